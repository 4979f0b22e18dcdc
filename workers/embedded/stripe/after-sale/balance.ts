import type { Account } from '../state/account';
import { noSuch } from '../http/errors';
import { listPage } from '../http/lists';
import type { BalanceTransaction } from './money-model';
import { balanceTransactionList } from './money-shapes';
import type { Charge } from '../state/model';
import { route } from '../http/request';
import { defineResource, store } from '../http/resource';
import { expand } from '../state/shapes';

const DAY_SECONDS = 86_400;

export const balanceTransactions = defineResource<BalanceTransaction>({
  kind: 'balance_transaction',
  object: 'balance_transaction',
  path: 'balance_transactions',
  snapshot: 'balanceTransactions',
  expandable: { source: { anyOf: ['charge', 'refund', 'dispute'] } },
  indexes: ({ source }) => ({ source }),
  // Money becomes available as time passes, without an event that could record it.
  render: (transaction, account) => ({ ...transaction, status: statusOf(account, transaction) }),
});

/** A movement of the account's balance. Amounts in minor units of the payment's currency, negative where money leaves. */
export interface Movement {
  readonly amount: number;
  readonly currency: string;
  readonly type: string;
  /** Stripe's finer grouping; the type itself where it has none. https://docs.stripe.com/reports/reporting-categories */
  readonly reportingCategory?: string;
  readonly source: string | null;
  readonly description: string | null;
  /** Stripe's fee, in the balance's currency; negative where it is given back. */
  readonly fee?: number;
  readonly feeDescription?: string;
  /** How long until it can be paid out; at once by default. */
  readonly availableAfterMs?: number;
  readonly createdMs?: number;
}

/** Writes a movement into the balance. */
export function writeMovement(account: Account, movement: Movement): BalanceTransaction {
  const { type, source, description, fee = 0 } = movement;
  const { amount, currency, exchangeRate } = exchanged(account, movement);
  const createdMs = movement.createdMs ?? account.clock.now();
  const created = Math.floor(createdMs / 1000);
  const after = Math.ceil((movement.availableAfterMs ?? 0) / 1000);
  const transaction: BalanceTransaction = {
    id: account.newId('txn'),
    object: 'balance_transaction',
    amount,
    // Stripe makes money available at midnight UTC.
    available_on: after === 0 ? created : Math.ceil((created + after) / DAY_SECONDS) * DAY_SECONDS,
    balance_type: 'payments',
    created,
    currency,
    description,
    exchange_rate: exchangeRate,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              application: null,
              currency,
              description: movement.feeDescription ?? 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: amount - fee,
    reporting_category: movement.reportingCategory ?? type,
    source,
    status: after === 0 ? 'available' : 'pending',
    type: type as BalanceTransaction['type'],
  };
  return store(account, balanceTransactions, transaction);
}

/** The amount in the currency of the balance, where the account has a single one. */
function exchanged(
  { settings: { exchange } }: Account,
  { amount, currency }: Pick<Movement, 'amount' | 'currency'>,
): { readonly amount: number; readonly currency: string; readonly exchangeRate: number | null } {
  if (exchange === undefined || exchange.currency === currency) return { amount, currency, exchangeRate: null };
  return { amount: Math.round(amount * exchange.rate), currency: exchange.currency, exchangeRate: exchange.rate };
}

/** Books captured money, less Stripe's fee, which is the same for every card. */
export function bookCapture(account: Account, charge: Charge, amount: number): void {
  const { feePercent, feeFixed, fundsAvailableMs } = account.settings;
  const inBalance = exchanged(account, { amount, currency: charge.currency }).amount;
  const transaction = writeMovement(account, {
    amount,
    currency: charge.currency,
    type: 'charge',
    source: charge.id,
    description: charge.description,
    fee: Math.min(Math.round((inBalance * feePercent) / 100) + feeFixed, inBalance),
    availableAfterMs: fundsAvailableMs,
  });
  charge.balance_transaction = transaction.id;
}

export const balanceRoutes = [
  route('GET', '/v1/balance', expand, ({ account }) => readBalance(account)),
  route('GET', '/v1/balance_transactions/:id', expand, ({ account, ids: [id = ''] }) => {
    const transaction = account.of(balanceTransactions).get(id);
    if (transaction === undefined) throw noSuch('balance transaction', id, 'id', 404);
    return balanceTransactions.render(transaction, account);
  }),
  route('GET', '/v1/balance_transactions', balanceTransactionList, ({ account, params }) =>
    listPage(account.of(balanceTransactions), params, {
      url: '/v1/balance_transactions',
      ...(params.source === undefined ? {} : { index: 'source', indexValue: params.source }),
      created: ({ created }) => created,
      where: ({ type, currency }) =>
        (params.type === undefined || params.type === type) &&
        (params.currency === undefined || params.currency === currency),
      render: (transaction) => balanceTransactions.render(transaction, account),
    }),
  ),
];

function statusOf(account: Account, { available_on: availableOn }: BalanceTransaction): 'available' | 'pending' {
  return availableOn <= account.clock.nowSeconds() ? 'available' : 'pending';
}

function readBalance(account: Account): object {
  const sums = { available: new Map<string, number>(), pending: new Map<string, number>() };
  for (const transaction of account.of(balanceTransactions).values()) {
    for (const sum of Object.values(sums)) sum.set(transaction.currency, sum.get(transaction.currency) ?? 0);
    const sum = sums[statusOf(account, transaction)];
    sum.set(transaction.currency, (sum.get(transaction.currency) ?? 0) + transaction.net);
  }
  return { object: 'balance', available: amounts(sums.available), livemode: false, pending: amounts(sums.pending) };
}

/** An account without movements has a balance of zero, in its own currency. */
function amounts(byCurrency: ReadonlyMap<string, number>): object[] {
  const entries = byCurrency.size === 0 ? [['usd', 0] as const] : [...byCurrency];
  return entries.map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
}
