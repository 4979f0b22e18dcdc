/**
 * The settlement check compares our ledger with the provider's balance. It compares positions (one payment, refund or movement of a
 * dispute), so that different clocks or the end of a day make no difference.
 */

export type PositionKind = 'charge' | 'refund' | 'dispute' | 'hold' | 'other';

/** The money that moved for one payment, refund or dispute, on one of the two sides. Minor units; money to us is positive. */
export interface Position {
  /**
   * `charge:{PaymentIntent}`, `refund:{refund}` (less what a bank returned), `dispute:{balance transaction}`,
   * `hold:{PaymentIntent}`, `other:{balance transaction}`.
   */
  readonly position: string;
  readonly kind: PositionKind;
  readonly amount: number;
  readonly currency: string;
  readonly orderId?: string;
}

/** What else is known about a position whose two sides differ. */
export interface PositionContext {
  /** The provider's object carries an order of ours, or our ledger knows it. */
  readonly isOurs: boolean;
  /** Minor units of a subscription's paid invoice that this charge paid. */
  readonly invoiceAmount?: number;
  /** Is it an unconfirmed refund in our ledger? */
  readonly isPending?: boolean;
}

/** Why the two sides differ. The first three causes are harmless; the others need a person. */
export type DifferenceCause =
  | 'subscription' // paid an invoice, which orders' ledgers do not have
  | 'refund_pending' // recorded and not moved yet
  | 'made_elsewhere' // at the provider, without us
  | 'not_recorded' // ours, but our ledger has less than the provider
  | 'not_at_provider' // our ledger has more than the provider
  | 'hold_unaccounted' // neither captured nor released after its end
  | 'unknown_movement'; // of a kind that Holdfast never causes

export interface SettlementDifference {
  readonly position: string;
  readonly kind: PositionKind;
  readonly cause: DifferenceCause;
  readonly explained: boolean;
  readonly orderId?: string;
  readonly currency: string;
  readonly ledgerAmount: number;
  readonly providerAmount: number;
}

const EXPLAINED: readonly DifferenceCause[] = ['subscription', 'refund_pending', 'made_elsewhere'];

/** The difference between the two sides of one position; undefined if they agree. Pure; table-tested. */
export function differenceOf(
  sides: { readonly ledger?: Position; readonly provider?: Position },
  context: PositionContext,
): SettlementDifference | undefined {
  const known = sides.provider ?? sides.ledger;
  if (known === undefined) return undefined;
  const ledgerAmount = sides.ledger?.amount ?? 0;
  const providerAmount = sides.provider?.amount ?? 0;
  const sameCurrency = sides.ledger === undefined || sides.provider?.currency === sides.ledger.currency;
  if (ledgerAmount === providerAmount && (sameCurrency || ledgerAmount === 0)) return undefined;
  // A position has one currency, so an amount in another currency counts as missing.
  const cause = causeOf(ledgerAmount, sameCurrency ? providerAmount : 0, known.kind, context);
  const orderId = sides.ledger?.orderId ?? sides.provider?.orderId;
  return {
    position: known.position,
    kind: known.kind,
    cause,
    explained: EXPLAINED.includes(cause),
    ...(orderId === undefined ? {} : { orderId }),
    currency: known.currency,
    ledgerAmount,
    providerAmount: sameCurrency ? providerAmount : 0,
  };
}

function causeOf(ledger: number, provider: number, kind: PositionKind, context: PositionContext): DifferenceCause {
  if (kind === 'hold') return 'hold_unaccounted';
  if (kind === 'other') return 'unknown_movement';
  if (context.isPending === true && Math.abs(provider) < Math.abs(ledger)) return 'refund_pending';
  if (!context.isOurs) return context.invoiceAmount === provider ? 'subscription' : 'made_elsewhere';
  return Math.abs(provider) > Math.abs(ledger) ? 'not_recorded' : 'not_at_provider';
}

/** Sums positions of the same name. */
export function sumPositions(positions: readonly Position[]): Map<string, Position> {
  const sums = new Map<string, Position>();
  for (const one of positions) {
    const before = sums.get(one.position);
    sums.set(one.position, before === undefined ? one : { ...one, amount: before.amount + one.amount });
  }
  return sums;
}

const DAY_MS = 24 * 3_600_000;

/** First and last moment of a day in UTC. @throws RangeError if it is not a day as `YYYY-MM-DD` */
export function dayOf(date: string): { readonly from: string; readonly until: string } {
  const fromMs = Date.parse(`${date}T00:00:00.000Z`);
  if (!Number.isFinite(fromMs) || new Date(fromMs).toISOString().slice(0, 10) !== date)
    throw new RangeError(`${date} is not a day (YYYY-MM-DD)`);
  return { from: new Date(fromMs).toISOString(), until: new Date(fromMs + DAY_MS).toISOString() };
}

/** The day before a moment, `YYYY-MM-DD` in UTC. */
export function dayBefore(nowMs: number): string {
  return new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
}
