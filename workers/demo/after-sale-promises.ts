import type { BankState } from './bank';
import type { Recorded, RecordedBack } from './recorded';

/** Statuses of refunds that are pending or have succeeded. */
const REFUNDED: readonly string[] = ['pending', 'requires_action', 'succeeded'];
const OPEN_DISPUTES: readonly string[] = [
  'needs_response',
  'under_review',
  'warning_needs_response',
  'warning_under_review',
];

interface BrokenPromise {
  readonly promise: 'back' | 'dispute';
  readonly what: string;
}

/** Broken promises about refunds and disputes: compares each payment at the bank with its entries in the ledger. */
export function afterSaleViolations({ payments, refunds, disputes }: BankState, recorded: Recorded): BrokenPromise[] {
  const books = new Map(recorded.back.map((entry) => [entry.paymentIntentId, entry]));
  return payments.flatMap(({ id, amount_received: received }) => {
    const entry = books.get(id) ?? NO_ENTRY;
    const refundedAtBank = sum(refunds.filter((one) => one.payment_intent === id && REFUNDED.includes(one.status)));
    const own = disputes.filter((one) => one.payment_intent === id);
    const withdrawn = -own.flatMap((one) => one.balance_transactions).reduce((total, one) => total + one.amount, 0);
    const isOpen = own.some((one) => OPEN_DISPUTES.includes(one.status));
    const { refundPending, refunded, outside, disputed, captured } = entry;
    return [
      ...broken('back', refundedAtBank > received, `${id}: ${refundedAtBank} refunded of ${received}`),
      ...broken(
        'back',
        refundPending + refunded + outside > captured,
        `${id}: the ledger refunds more than ${captured}`,
      ),
      ...broken(
        'back',
        refundedAtBank !== refundPending + refunded,
        `${id}: ${refundedAtBank} refunded at the bank, ${refundPending + refunded} in the ledger`,
      ),
      ...broken(
        'dispute',
        withdrawn !== disputed,
        `${id}: ${withdrawn} withdrawn by the bank, ${disputed} in the ledger`,
      ),
      ...broken('dispute', isOpen && refundPending > 0, `${id} is disputed, and ${refundPending} are pending`),
    ];
  });
}

const NO_ENTRY: Omit<RecordedBack, 'paymentIntentId'> = {
  captured: 0,
  refundPending: 0,
  refunded: 0,
  outside: 0,
  disputed: 0,
};

function sum(refunds: readonly { readonly amount: number }[]): number {
  return refunds.reduce((total, one) => total + one.amount, 0);
}

function broken(promise: BrokenPromise['promise'], isBroken: boolean, what: string): BrokenPromise[] {
  return isBroken ? [{ promise, what }] : [];
}
