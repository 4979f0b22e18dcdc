/**
 * The settlement check: what our ledger says was moved against what the provider's balance says. Compared by position, which
 * is one payment, refund or movement of a dispute, so that a clock or the turn of a day makes no difference.
 */

export type PositionKind = 'charge' | 'refund' | 'dispute' | 'hold' | 'other';

/** One thing that money was moved for, as one side sees it. Minor units; what came to us is positive. */
export interface Position {
  /**
   * `charge:{PaymentIntent}`, `refund:{refund}` (with what came back of it), `dispute:{balance transaction}`,
   * `hold:{PaymentIntent}`, `other:{balance transaction}`.
   */
  readonly position: string;
  readonly kind: PositionKind;
  readonly amount: number;
  readonly currency: string;
  readonly orderId?: string;
}

/** What else is known where the two sides differ. */
export interface PositionContext {
  /** The provider's object carries an order of ours, or our ledger knows it. */
  readonly isOurs: boolean;
  /** Minor units of a subscription's paid invoice that this charge paid. */
  readonly invoiceAmount?: number;
  /** Our ledger has it as promised back and not confirmed. */
  readonly isPending?: boolean;
}

/** Why two sides differ. The first three explain it; the others need a person. */
export type DifferenceCause =
  | 'subscription' // paid an invoice, which orders' ledgers do not have
  | 'refund_pending' // promised and not moved yet
  | 'made_elsewhere' // at the provider, without us
  | 'not_recorded' // ours, and our ledger has less than the provider
  | 'not_at_provider' // our ledger has more than the provider
  | 'hold_unaccounted' // neither captured nor let go after its end
  | 'unknown_movement'; // of a kind that nothing here makes

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

/** The difference between the two sides of one position; undefined where they agree. Pure; table-tested. */
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
  // One line of a ledger has one currency: a charge in another one is told as one that is not there.
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

/** First and last moment of a day in UTC. @throws RangeError for what is no `YYYY-MM-DD` */
export function dayOf(date: string): { readonly from: string; readonly until: string } {
  const fromMs = Date.parse(`${date}T00:00:00.000Z`);
  if (!Number.isFinite(fromMs) || new Date(fromMs).toISOString().slice(0, 10) !== date)
    throw new RangeError(`${date} is no day (YYYY-MM-DD)`);
  return { from: new Date(fromMs).toISOString(), until: new Date(fromMs + DAY_MS).toISOString() };
}

/** The day before a moment, `YYYY-MM-DD` in UTC. */
export function dayBefore(nowMs: number): string {
  return new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
}
