import { ApplicationFailure, isCancellation, log } from '@temporalio/workflow';
import { iso } from '../domain/shared/deadlines';
import { failureTypes } from '../domain/shared/errors';
import { formatMoney } from '../domain/shared/money';
import { MovingDeadline } from '../kit/waiting';
import { authorizeNow, syncPayment, voidPayments } from '../payment/activities';
import type { AuthorizationResult, PaymentStatus } from '../payment/ports';
import { nothingWasBegun, unpaidAnswer } from './answers';
import type { CheckoutDefect } from './defect';
import type { CheckoutRecord } from './record';
import type { CheckoutSubmissions } from './submissions';

/** Beside the webhook, Stripe is asked whether 3-D Secure is done: often at first, while the customer is at it. */
const FIRST_POLL_MS = 15_000;
const LONGEST_POLL_MS = 5 * 60_000;

/** A page that polls sooner is answered from memory: its pace must not become ours at Stripe, whose limits all buyers share. */
const LOOK_PAUSE_MS = 2_000;

/** The hold of a checkout: asked for with each payment method that comes, confirmed by the customer, voided where it ends otherwise. */
export class CheckoutPayment {
  /** The newest PaymentIntent; empty before the first. */
  paymentIntentId = '';
  private readonly deadline = new MovingDeadline();
  private attempts = 0;
  private isHinted = false;
  /** The provider did not know a payment that was to be voided. */
  private hasUnseenHold = false;
  /** The first request was refused before any money moved. */
  private isRefused = false;

  constructor(
    private readonly orderId: string,
    private readonly submissions: CheckoutSubmissions,
    private readonly record: CheckoutRecord,
    private readonly defect: CheckoutDefect,
  ) {}

  hint(): void {
    this.isHinted = true;
  }

  /** Nothing is to be undone: the cart is an order already, or cannot be bought as it is. */
  get wasNeverBegun(): boolean {
    return this.isRefused && this.paymentIntentId === '' && this.attempts <= 1;
  }

  /** Tries payment methods until one is authorized; false where the checkout has ended otherwise. */
  async authorize(): Promise<boolean> {
    let untilMs = Date.now();
    for (;;) {
      if (!(await this.deadline.wait(() => this.submissions.someoneWaits, untilMs, 'Then give the cart up'))) {
        await this.record.withdraw('abandoned', 'No payment came in time; nothing is held and nothing was bought.');
        return false;
      }
      const submission = this.submissions.take();
      if (submission === undefined) continue;
      const { paymentMethod } = submission;
      let result = await this.ask(paymentMethod);
      if (result.status === 'requires_action') {
        result = await this.customerActs(paymentMethod, result.clientSecret);
        if (this.submissions.ended) return false;
      }
      if (result.status === 'authorized') return true;
      if (result.status === 'declined') untilMs = this.declined(paymentMethod, result);
      else if (result.status !== 'requires_action') {
        this.isRefused = nothingWasBegun(result);
        this.submissions.end(unpaidAnswer(result));
        return false;
      }
    }
  }

  /**
   * Voids every attempt, and one more: a first try runs inside the workflow task, and where that task is lost, history does not
   * know of the try. Sealing an attempt that never was costs nothing.
   * @throws ApplicationFailure `NotFound` where the provider does not know a payment that was made: its hold may exist under
   * another key, so a person gets the case and the undo looks for it again
   */
  async voidAll(): Promise<void> {
    const { orderId } = this;
    const again = this.hasUnseenHold ? { onlyVoided: true } : {};
    const reason = 'checkout_not_completed';
    const { unseen } = await voidPayments({ orderId, attempts: this.attempts + 1, reason, ...again });
    this.hasUnseenHold = unseen !== undefined;
    if (unseen === undefined) return;
    const message = `Stripe does not know ${unseen.join(', ')}: check that the secret key is of the account and mode that made it`;
    throw ApplicationFailure.create({ type: failureTypes.notFound, message, nonRetryable: true });
  }

  /**
   * Asks the bank. The provider cancels a PaymentIntent that was tried too often, and Holdfast voids one on which the customer
   * confirmed another amount in the browser: then a fresh one is tried, once.
   */
  private async ask(paymentMethod: string): Promise<AuthorizationResult> {
    const triedBefore = this.paymentIntentId !== '';
    const result = await this.attempt(paymentMethod);
    if (!triedBefore || result.status !== 'canceled') return result;
    if (result.reason !== 'voided' && result.providerReason !== 'automatic') return result;
    this.paymentIntentId = '';
    return this.attempt(paymentMethod);
  }

  private async attempt(paymentMethod: string): Promise<AuthorizationResult> {
    const { orderId, paymentIntentId } = this;
    const { cart, cartFingerprint, cartChanged, total } = this.submissions;
    this.attempts += 1;
    const attempt = this.attempts;
    this.submissions.show(`asking the bank for ${formatMoney(total)}`, null);
    try {
      const result = await authorizeNow({
        orderId,
        cartId: cart.cartId,
        cartFingerprint,
        attempt,
        purpose: 'checkout',
        amount: total,
        customer: cart.customer,
        paymentMethod,
        ...(paymentIntentId !== '' && { paymentIntentId, setAmount: cartChanged }),
        offSession: false,
        lines: cart.lines,
      });
      return this.remember(result);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the outcome of an authorization is not known: looking it up', { orderId, error: String(error) });
      this.defect.note('asking the bank', error);
      return this.lookUp(attempt);
    }
  }

  /** An unknown outcome is looked up, never guessed. Where even the look fails, the hold is voided, whatever became of it. */
  private async lookUp(attempt?: number): Promise<PaymentStatus> {
    const { orderId, paymentIntentId } = this;
    try {
      const { payment } = await syncPayment({
        orderId,
        ...(attempt !== undefined && { attempt }),
        ...(paymentIntentId !== '' && { paymentIntentId }),
        customerWaits: true,
      });
      return this.remember(payment);
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.defect.note('looking a payment up', error);
      return { status: 'none' };
    }
  }

  private remember<T extends AuthorizationResult>(result: T): T {
    if ('paymentIntentId' in result && result.paymentIntentId !== undefined)
      this.paymentIntentId = result.paymentIntentId;
    return result;
  }

  /** Waits for 3-D Secure: a webhook, or asking Stripe at widening intervals; another payment method may come instead. */
  private async customerActs(paymentMethod: string, clientSecret: string): Promise<PaymentStatus> {
    const untilMs = Date.now() + this.submissions.cart.policy.customerActionMs;
    let pollMs = FIRST_POLL_MS;
    let lookedMs = Date.now();
    this.askCustomer(paymentMethod, clientSecret, untilMs);
    while (Date.now() < untilMs) {
      const pollAtMs = Math.min(Date.now() + pollMs, untilMs);
      const woken = await this.deadline.wait(
        () => this.isHinted || this.submissions.someoneWaits,
        pollAtMs,
        'Then ask Stripe whether 3-D Secure is done',
      );
      pollMs = woken ? pollMs : Math.min(pollMs * 2, LONGEST_POLL_MS);
      // A customer who comes back is not asked to authenticate for what has sold out meanwhile.
      if (this.submissions.someoneWaits && (await this.record.endIfSoldOut())) return { status: 'none' };
      const isNews = this.isHinted || !woken || this.submissions.bringsAnother(paymentMethod);
      if (!isNews && Date.now() < lookedMs + LOOK_PAUSE_MS) {
        this.askCustomer(paymentMethod, clientSecret, untilMs);
        continue;
      }
      this.isHinted = false;
      const payment = await this.lookUp();
      lookedMs = Date.now();
      if (payment.status === 'none' || payment.status === 'processing') {
        await this.deadline.wait(() => this.isHinted, lookedMs + LOOK_PAUSE_MS, 'Then ask Stripe again');
        continue;
      }
      if (payment.status !== 'requires_action') return payment;
      this.askCustomer(paymentMethod, payment.clientSecret, untilMs);
      if (this.submissions.someoneWaits) return payment;
    }
    await this.record.withdraw(
      'abandoned',
      '3-D Secure was not passed in time; nothing is held and nothing was bought.',
    );
    return { status: 'none' };
  }

  private askCustomer(paymentMethod: string, clientSecret: string, untilMs: number): void {
    const until = iso(untilMs);
    const { orderId, paymentIntentId } = this;
    this.submissions.reply(paymentMethod, { state: 'requires_action', orderId, paymentIntentId, clientSecret, until });
    this.submissions.show('3-D Secure', { on: 'customer', until, why: 'the bank asks the customer to authenticate' });
  }

  /** @returns until when another payment method may be tried */
  private declined(paymentMethod: string, result: Extract<PaymentStatus, { status: 'declined' }>): number {
    const untilMs = Date.now() + this.submissions.cart.policy.declinedGraceMs;
    const retryUntil = iso(untilMs);
    const { orderId } = this;
    const { code, declineCode } = result;
    this.submissions.reply(paymentMethod, { state: 'declined', orderId, code, declineCode, retryUntil });
    const why = 'another payment method may be tried';
    this.submissions.show(`declined: ${declineCode}`, { on: 'customer', until: retryUntil, why });
    return untilMs;
  }
}
