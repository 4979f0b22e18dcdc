import type Stripe from 'stripe';
import {
  dayOf,
  differenceOf,
  sumPositions,
  type Position,
  type PositionContext,
} from '../../../workflows/domain/settlement/settlement';
import type { SettlementActivities, SettlementReport, SettlementSummary } from '../../../workflows/settlement/ports';
import type { LedgerPosition, SettlementStore } from '../../storage';
import { inCurrencyOf } from './balance-money';
import { activity, recordHeartbeat, type PaymentContext } from '../context';
import { metadataKeys } from '../metadata';
import { idOf } from '../payments/payment-status';
import type { ProviderSession } from '../provider';
import { retryLater } from '../errors';

/** The daily settlement check on Stripe: see `SettlementActivities`. */
export function createSettlementActivities(context: PaymentContext, store: SettlementStore): SettlementActivities {
  return {
    compareSettlement: ({ date, workflowId }) => {
      const atRisk = `differences between our ledger and the provider's balance of ${date} stay unnoticed; nothing was changed`;
      const call = { operation: 'compareSettlement', atRisk, priority: 'background' } as const;
      return activity(context, call, async (session) => {
        const report = await compare(context, session, store, date);
        await store.record(report, workflowId);
        return summaryOf(report);
      });
    },
  };
}

const PAGE_SIZE = 100;
/** 400,000 movements: more than one day can have. */
const MAX_PAGES = 4_000;
/** A hold's expiry is recorded some time after it happens; a day is longer than any outage should last. */
const HOLD_GRACE_MS = 24 * 3_600_000;

/** Movements that belong to no order: between the provider and the shop's bank, and fees. Source: Stripe, "Balance transaction types". */
const NOT_OURS: ReadonlySet<string> = new Set(
  'payout payout_cancel payout_failure payout_minimum_balance_hold payout_minimum_balance_release stripe_fee stripe_fx_fee tax_fee topup topup_reversal reserve_transaction reserved_funds contribution network_cost'.split(
    ' ',
  ),
);

type Movement = Stripe.BalanceTransaction;

async function compare(
  context: PaymentContext,
  session: ProviderSession,
  store: SettlementStore,
  date: string,
): Promise<Omit<SettlementReport, 'ranAt'>> {
  const window = dayOf(date);
  const movements = await movementsOf(context, session, window);
  const provider = sumPositions(movements.flatMap(positionsOf));
  const ledger = await store.positions(window, [...provider.keys()]);
  const ledgerByName = sumPositions(ledger);
  const pending = new Set(ledger.filter((one) => one.isPending).map((one) => one.position));
  const differences = [];
  const names = new Set([...provider.keys(), ...ledgerByName.keys()]);
  for (const name of names) {
    const ours = ledgerByName.get(name);
    const theirs = provider.get(name);
    if (ours?.amount === theirs?.amount && ours?.currency === theirs?.currency) continue;
    const found = await lookUp(context, session, name, theirs);
    const sides = { ...(ours && { ledger: ours }), ...(found.position && { provider: found.position }) };
    const difference = differenceOf(sides, {
      ...found.context,
      isOurs: ours !== undefined || found.context.isOurs,
      isPending: pending.has(name),
    });
    if (difference !== undefined) differences.push(difference);
  }
  const holds = await store.unaccountedHolds(new Date(Date.parse(window.until) - HOLD_GRACE_MS).toISOString());
  differences.push(...holds.flatMap((hold) => holdDifference(hold)));
  return {
    date,
    providerMovements: movements.length,
    matched: names.size - differences.length + holds.length,
    differences: differences.sort((one, other) => (one.position < other.position ? -1 : 1)),
  };
}

function holdDifference(hold: LedgerPosition) {
  const difference = differenceOf({ ledger: hold }, { isOurs: true });
  return difference === undefined ? [] : [difference];
}

/** Every movement of a window, newest first. Each page sends a heartbeat, so that Temporal notices a worker that hangs. */
async function movementsOf(
  context: PaymentContext,
  session: ProviderSession,
  window: { readonly from: string; readonly until: string },
): Promise<Movement[]> {
  const created = { gte: Date.parse(window.from) / 1000, lt: Date.parse(window.until) / 1000 };
  const movements: Movement[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const last = movements.at(-1)?.id;
    const params = { created, limit: PAGE_SIZE, expand: ['data.source'], ...(last && { starting_after: last }) };
    const answer = await session.read('balance_transactions.list', () =>
      context.stripe.balanceTransactions.list(params),
    );
    if (answer.object !== 'list' || !Array.isArray(answer.data))
      throw retryLater(session.call, 'the provider’s answer is not a list');
    movements.push(...answer.data);
    recordHeartbeat({ pages: page });
    if (!answer.has_more) return movements;
  }
  throw retryLater(session.call, `there are more than ${MAX_PAGES * PAGE_SIZE} movements in one day`);
}

/** The position that a movement belongs to; none if it belongs to no order. */
function positionsOf(movement: Movement): Position[] {
  if (NOT_OURS.has(movement.type)) return [];
  const source = sourceOf(movement);
  const { amount, currency } = moneyOf(movement, source);
  const position = nameOf(movement, source);
  const [kind] = position.split(':') as [Position['kind']];
  const orderId = (source as { metadata?: Record<string, string> } | null | undefined)?.metadata?.[metadataKeys.order];
  return [{ position, kind, amount, currency, ...(orderId !== undefined && { orderId }) }];
}

function sourceOf({ source }: Movement): Stripe.BalanceTransactionSource | undefined {
  return typeof source === 'object' && source !== null ? source : undefined;
}

/** In the payment's currency. After a conversion, several captures of one charge each count as its whole amount; the sum then differs, and the payment is looked up. */
function moneyOf(movement: Movement, source: Stripe.BalanceTransactionSource | undefined) {
  switch (source?.object) {
    case 'charge':
      return inCurrencyOf({ amount: source.amount_captured, currency: source.currency }, movement);
    case 'refund':
    case 'dispute':
      return inCurrencyOf(source, movement);
    default:
      return movement;
  }
}

function nameOf(movement: Movement, source: Stripe.BalanceTransactionSource | undefined): string {
  switch (source?.object) {
    case 'charge':
      return `charge:${idOf(source.payment_intent) ?? source.id}`;
    case 'refund':
      return `refund:${source.id}`;
    case 'dispute':
      return `dispute:${movement.id}`;
    default:
      return `other:${movement.id}`;
  }
}

interface Found {
  readonly position?: Position;
  readonly context: PositionContext;
}

/** Fetches the object of a position, because a single day may not show the whole of it. */
async function lookUp(
  context: PaymentContext,
  session: ProviderSession,
  name: string,
  seen: Position | undefined,
): Promise<Found> {
  const [kind, id = ''] = name.split(':');
  if (kind === 'charge' && id.startsWith('pi_')) return lookUpPayment(context, session, name, id);
  if (kind === 'refund') return lookUpRefund(context, session, name, id);
  if (kind === 'dispute') return lookUpMovement(context, session, name, id);
  return { ...(seen && { position: seen }), context: { isOurs: false } };
}

async function lookUpPayment(
  context: PaymentContext,
  session: ProviderSession,
  position: string,
  id: string,
): Promise<Found> {
  const intent = await session.retrieve(id);
  const orderId = intent.metadata[metadataKeys.order];
  const found = { position, kind: 'charge' as const, amount: intent.amount_received, currency: intent.currency };
  if (orderId !== undefined) return { position: { ...found, orderId }, context: { isOurs: true } };
  const invoiceAmount = await invoiceAmountOf(context, session, id);
  return { position: found, context: { isOurs: false, ...(invoiceAmount !== undefined && { invoiceAmount }) } };
}

/** The amount of an invoice that this payment paid; undefined if it paid none. */
async function invoiceAmountOf(
  context: PaymentContext,
  session: ProviderSession,
  paymentIntentId: string,
): Promise<number | undefined> {
  const payment = { type: 'payment_intent' as const, payment_intent: paymentIntentId };
  const answer = await session.read('invoice_payments.list', () =>
    context.stripe.invoicePayments.list({ payment, limit: 1 }),
  );
  return answer.data[0]?.amount_paid ?? undefined;
}

async function lookUpRefund(
  context: PaymentContext,
  session: ProviderSession,
  position: string,
  id: string,
): Promise<Found> {
  const refund = await session.read('refunds.retrieve', () => context.stripe.refunds.retrieve(id));
  const isOut = refund.status === 'succeeded' || (refund.status === 'pending' && refund.balance_transaction !== null);
  const amount = isOut ? -refund.amount : 0;
  return {
    position: { position, kind: 'refund', amount, currency: refund.currency },
    context: { isOurs: refund.metadata?.[metadataKeys.order] !== undefined },
  };
}

async function lookUpMovement(
  context: PaymentContext,
  session: ProviderSession,
  position: string,
  id: string,
): Promise<Found> {
  const movement = await session.read('balance_transactions.retrieve', () =>
    context.stripe.balanceTransactions.retrieve(id, { expand: ['source'] }),
  );
  const source = sourceOf(movement);
  const { amount, currency } = moneyOf(movement, source);
  const paymentIntentId = source?.object === 'dispute' ? idOf(source.payment_intent) : undefined;
  // The metadata of the dispute's payment names the order.
  const intent = paymentIntentId === undefined ? undefined : await session.retrieve(paymentIntentId);
  const orderId = intent?.metadata[metadataKeys.order];
  return {
    position: { position, kind: 'dispute', amount, currency, ...(orderId !== undefined && { orderId }) },
    context: { isOurs: orderId !== undefined },
  };
}

function summaryOf({
  date,
  providerMovements,
  matched,
  differences,
}: Omit<SettlementReport, 'ranAt'>): SettlementSummary {
  const explained = differences.filter((one) => one.explained).length;
  return { date, providerMovements, matched, explained, unexplained: differences.length - explained };
}
