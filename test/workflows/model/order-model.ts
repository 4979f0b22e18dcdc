const HOUR_MS = 3_600_000;
/** A card hold is acted on this long before it ends. */
const MARGIN_MS = 12 * HOUR_MS;
/** How long a hold lasts; one on a Visa card that was got without the customer lasts 4 days and 18 hours. */
const HOLD_MS = 7 * 24 * HOUR_MS;
const VISA_WITHOUT_CUSTOMER_MS = (4 * 24 + 18) * HOUR_MS;
/** A hold that was refused a successor is looked for this long after that: its end, and the provider's lag. */
const END_AFTER_REFUSAL_MS = MARGIN_MS + 5_000;
/** A customer who was asked has this long. */
const DEADLINE_MS = 48 * HOUR_MS;

interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export type Card = 'visa' | 'mastercard';
type State = 'allocated' | 'paid' | 'shipped' | 'delivered' | 'cancelled';
type Payment = 'authorized' | 'partially_captured' | 'captured' | 'payment_needed' | 'voided';

/** What an order should be like: no holds, no attempts, no events, only what people see. Policy: renew by itself. */
export class OrderModel {
  bankRenews = true;
  private readonly shipped = new Map<string, number>();
  private restCancelled = false;
  private cancelled = false;
  private delivered = false;
  /** A parcel is under way. */
  private underWay = false;
  private allCaptured: boolean;
  private captured = 0;
  private needsPayment = false;
  /** The bank refused a new hold while the old one stands, until then; parcels leave under it. */
  private refusedUntilMs: number | undefined;
  private nowMs = 0;
  private holdEndMs = HOLD_MS;
  private deadlineMs = 0;

  constructor(
    private readonly lines: readonly Line[],
    captureOn: 'shipment' | 'order',
    private card: Card,
    private readonly price: (lines: readonly Line[], shipped: ReadonlyMap<string, number>) => number,
  ) {
    this.allCaptured = captureOn === 'order';
    if (this.allCaptured) this.captured = price(lines, new Map());
  }

  get ended(): boolean {
    return this.state === 'cancelled' || this.state === 'delivered';
  }

  summary(): { state: string; paymentState: string; captured: number } {
    return { state: this.state, paymentState: this.payment, captured: this.captured };
  }

  ship(wanted: readonly Line[]): object {
    if (this.cancelled) return refused('order_cancelled');
    if (wanted.some((line) => line.quantity > this.left(line.sku))) return refused('exceeds_remaining');
    if (this.needsPayment) return refused('payment_needed');
    const capturedAmount = this.allCaptured ? 0 : this.price(wanted, this.shipped);
    for (const line of wanted) this.shipped.set(line.sku, this.countOf(line.sku) + line.quantity);
    this.captured += capturedAmount;
    this.underWay = true;
    // What is left was released with the capture and is held anew.
    if (!this.isDone && !this.allCaptured) this.renewWithoutHold();
    return { accepted: true, capturedAmount };
  }

  cancel(): object {
    if (this.cancelled) return { accepted: true, state: 'cancelled' };
    if (this.isDone) return refused('already_shipped');
    if (this.allCaptured) return refused('captured_needs_refund');
    this.cancelRest();
    return { accepted: true, state: this.state };
  }

  deliver(): object {
    if (this.delivered) return { accepted: true, state: 'delivered' };
    if (this.shipped.size === 0) return refused('nothing_shipped');
    this.underWay = false;
    if (this.isDone) this.delivered = true;
    return { accepted: true };
  }

  /** @param card another one that the bank approves; undefined where it declines */
  renew(card: Card | undefined): object {
    const isAsked = this.needsPayment || this.refusedUntilMs !== undefined;
    if (this.isDone || this.allCaptured || !isAsked) return refused('no_payment_needed');
    if (card === undefined) return { accepted: true, state: 'declined' };
    this.card = card;
    this.hold(HOLD_MS);
    return { accepted: true, state: 'authorized' };
  }

  /** The policy renews by itself: there is never a decision open. */
  decide(): object {
    return refused('nothing_to_decide');
  }

  /** Time passes: holds are renewed, or the customer is asked, or the order is given up. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (!this.isDone && !this.allCaptured) {
      const actMs = this.refusedUntilMs ?? this.holdEndMs - MARGIN_MS;
      const dueMs = this.needsPayment ? this.deadlineMs : actMs;
      if (dueMs > untilMs) break;
      this.nowMs = dueMs;
      if (this.needsPayment) this.cancelRest();
      else if (this.refusedUntilMs !== undefined) this.renewWithoutHold();
      else if (this.bankRenews) this.holdWithoutCustomer();
      else this.refusedUntilMs = this.nowMs + END_AFTER_REFUSAL_MS;
    }
    this.nowMs = untilMs;
  }

  private get state(): State {
    if (this.cancelled) return 'cancelled';
    if (this.delivered) return 'delivered';
    if (this.isDone) return 'shipped';
    return this.allCaptured ? 'paid' : 'allocated';
  }

  private get payment(): Payment {
    if (this.cancelled) return 'voided';
    if (this.allCaptured || this.isDone) return 'captured';
    if (this.needsPayment) return 'payment_needed';
    return this.captured > 0 ? 'partially_captured' : 'authorized';
  }

  private get isDone(): boolean {
    return this.cancelled || this.restCancelled || this.lines.every((line) => this.left(line.sku) === 0);
  }

  private countOf(sku: string): number {
    return this.shipped.get(sku) ?? 0;
  }

  private left(sku: string): number {
    if (this.restCancelled) return 0;
    return (this.lines.find((line) => line.sku === sku)?.quantity ?? 0) - this.countOf(sku);
  }

  private cancelRest(): void {
    this.needsPayment = false;
    if (this.shipped.size === 0) this.cancelled = true;
    else this.restCancelled = true;
    // Every parcel had arrived before: nothing is left to wait for.
    if (!this.cancelled && !this.underWay) this.delivered = true;
  }

  private holdWithoutCustomer(): void {
    this.hold(this.card === 'visa' ? VISA_WITHOUT_CUSTOMER_MS : HOLD_MS);
  }

  private hold(lifeMs: number): void {
    this.needsPayment = false;
    this.refusedUntilMs = undefined;
    this.holdEndMs = this.nowMs + lifeMs;
  }

  /** No hold stands: the bank renews it, or the customer is asked while nothing ships. */
  private renewWithoutHold(): void {
    if (this.bankRenews) return this.holdWithoutCustomer();
    this.refusedUntilMs = undefined;
    this.needsPayment = true;
    this.deadlineMs = this.nowMs + DEADLINE_MS;
  }
}

function refused(reason: string): object {
  return { accepted: false, reason };
}
