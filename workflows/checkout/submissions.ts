import {
  ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { cartChanged } from './answers';
import { formatMoney } from '../domain/shared/money';
import type { Money } from '../domain/shared/money';
import { cartTotal } from '../domain/order/shipment-amount';
import type { Waiting } from '../domain/shared/waiting';
import { CHECKOUT_ENDED } from './messages';
import type { CheckoutAnswer, CheckoutCart, SubmitCheckout } from './messages';
import type { WorkflowStatus } from '../kit/messages';
import { searchAttributes } from '../kit/search-attributes';

/** An undo takes a second. One that fails goes on for days, and then the same answer as before is better than none. */
const UNDO_PATIENCE_MS = 5_000;

/** A try to pay that has no answer yet. `asked`: a caller waits for it; the one that came with the start may have none. */
interface Submission extends SubmitCheckout {
  readonly asked: boolean;
  answer?: CheckoutAnswer;
}

/**
 * The tries to pay for one cart, and what the Temporal UI shows of them. One submission is worked on at a time. What the
 * checkout does, it does for the cart of that submission.
 */
export class CheckoutSubmissions {
  /** Without an answer, the oldest first; all of them have the same contents. */
  private open: Submission[];
  private current: SubmitCheckout;
  /** From the first question to the bank until it declined: meanwhile the cart cannot be changed. */
  private busy = false;
  /** A decline that no caller has received: the first resend of its submission gets it. */
  private undelivered: Submission | undefined;
  private decided: CheckoutAnswer | undefined;
  private undone = false;
  private cartHasChanged = false;
  private step = 'waiting for a payment method';
  private waiting: Waiting | null = null;

  constructor(
    private readonly orderId: string,
    first: SubmitCheckout,
  ) {
    this.current = first;
    this.open = [{ ...first, asked: false }];
  }

  /** What is bought: the cart of the submission in work, or of the last one. */
  get cart(): CheckoutCart {
    return this.current.cart;
  }

  get cartFingerprint(): string {
    return this.current.cartFingerprint;
  }

  /** Has any submission brought another cart than the first? */
  get cartChanged(): boolean {
    return this.cartHasChanged;
  }

  /** What is asked of the bank. */
  get total(): Money {
    return { amount: cartTotal(this.cart), currency: this.cart.currency };
  }

  get someoneWaits(): boolean {
    return this.open.length > 0;
  }

  /** Is there an open submission with a payment method other than this one? */
  bringsAnother(paymentMethod: string): boolean {
    return this.open.some((one) => one.paymentMethod !== paymentMethod);
  }

  get ended(): boolean {
    return this.decided !== undefined;
  }

  /** How the checkout ended. Only after it did. */
  get answer(): CheckoutAnswer {
    if (this.decided === undefined) throw new TypeError('a checkout was asked for its end before it was decided');
    return this.decided;
  }

  /** The submission to work on next; undefined where none is open. */
  take(): SubmitCheckout | undefined {
    const [next] = this.open;
    if (next === undefined) return undefined;
    this.cartHasChanged ||= next.cartFingerprint !== this.cartFingerprint;
    this.current = next;
    this.busy = true;
    this.undelivered = undefined;
    return next;
  }

  /**
   * Hazard: two submissions of one cart may wait here at the same time. The same payment method joins the try that runs;
   * another one waits its turn on the same PaymentIntent; other contents are refused until the bank has declined.
   */
  async submit(submission: SubmitCheckout): Promise<CheckoutAnswer> {
    if (this.decided !== undefined) return this.afterTheEnd(this.decided, submission);
    if (this.belongsToAnother(submission)) return cartChanged(false);
    const undelivered = this.undelivered;
    if (undelivered?.answer !== undefined && isSame(undelivered, submission)) {
      this.undelivered = undefined;
      return undelivered.answer;
    }
    const mine: Submission = { ...submission, asked: true };
    this.open.push(mine);
    const answered = (): boolean => mine.answer !== undefined || this.decided !== undefined;
    // An operator's cancel decides the checkout: callers who wait get that answer, not a failed call.
    await CancellationScope.nonCancellable(() => condition(answered));
    return mine.answer ?? this.answer;
  }

  /** Gives an answer to every open submission with this payment method. */
  reply(paymentMethod: string, answer: CheckoutAnswer): void {
    const answered = this.open.filter((one) => one.paymentMethod === paymentMethod);
    for (const one of answered) one.answer = answer;
    this.open = this.open.filter((one) => one.paymentMethod !== paymentMethod);
    if (answer.state !== 'declined') return;
    this.busy = false;
    const received = answered.some((one) => one.asked);
    this.undelivered = received ? undefined : { ...this.current, asked: false, answer };
  }

  /** Decides the checkout: every caller from now on gets this answer. The first decision stays. */
  end(answer: CheckoutAnswer): CheckoutAnswer {
    this.decided ??= answer;
    this.open = [];
    this.show(`ended: ${answer.state}`, null);
    return this.decided;
  }

  fail(code: Exclude<Extract<CheckoutAnswer, { state: 'failed' }>['code'], 'cart_changed'>, message: string): void {
    this.end({ state: 'failed', code, message });
  }

  /** Every step that came to nothing is undone: the cart may start a checkout anew. */
  close(): void {
    this.undone = true;
  }

  /** Shows the step in the Temporal UI. Costs a history event only where the party that is waited for changes. */
  show(step: string, waiting: Waiting | null): void {
    const changed = (waiting === null) !== (this.waiting === null);
    this.step = step;
    this.waiting = waiting;
    const title = `**Checkout of ${formatMoney(this.total)}**: ${step}`;
    const who = waiting === null ? '' : `\n\nWaits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}`;
    setCurrentDetails(title + who);
    if (!changed) return;
    upsertSearchAttributes([
      { key: searchAttributes.waitingOn, value: waiting === null ? null : waiting.on },
      { key: searchAttributes.waitingUntil, value: waiting === null ? null : new Date(waiting.until) },
    ]);
  }

  status(): WorkflowStatus {
    return { orderId: this.orderId, step: this.step, waiting: this.waiting };
  }

  /** While a submission is open or worked on, only its own contents; after a decline others too, of the same customer. */
  private belongsToAnother(submission: SubmitCheckout): boolean {
    const working = this.busy ? this.current : this.open[0];
    if (working !== undefined) return working.cartFingerprint !== submission.cartFingerprint;
    return this.cart.customer.id !== submission.cart.customer.id;
  }

  /**
   * The decision is about one cart. Other contents conflict with an order permanently. A cart that could not be bought may be sent
   * again at once: the next run checks it out, which may start once this one has undone what it began.
   */
  private async afterTheEnd(decided: CheckoutAnswer, submission: SubmitCheckout): Promise<CheckoutAnswer> {
    const isSameCart = this.cartFingerprint === submission.cartFingerprint;
    if (isSameCart && decided.state !== 'failed') return decided;
    if (decided.state === 'placed') return cartChanged(true);
    const isUndone = (): boolean => this.undone;
    const undone = await CancellationScope.nonCancellable(() =>
      isSameCart ? condition(isUndone, UNDO_PATIENCE_MS) : condition(isUndone).then(isUndone),
    );
    if (!undone) return decided;
    throw ApplicationFailure.nonRetryable('The checkout has ended; send the cart again.', CHECKOUT_ENDED);
  }
}

function isSame(one: SubmitCheckout, other: SubmitCheckout): boolean {
  return one.paymentMethod === other.paymentMethod && one.cartFingerprint === other.cartFingerprint;
}
