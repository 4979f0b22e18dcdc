import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { iso } from '../domain/shared/deadlines';
import { failureTypes } from '../domain/shared/errors';
import { formatMoney } from '../domain/shared/money';
import { getStatus, resolveRaised } from '../kit/messages';
import { paymentChanged } from '../payment/messages';
import { submitCheckout } from './messages';
import type { CheckoutAnswer, CheckoutInput, SubmitCheckout } from './messages';
import { authorizeNow, syncPayment, voidPayments } from '../payment/activities';
import type { AuthorizationResult, PaymentStatus } from '../payment/ports';
import { decideOn, OrderExceptions } from '../kit/exceptions';
import { Saga } from '../kit/saga';
import { nothingWasBegun, placedAnswer, unpaidAnswer } from './answers';
import { CheckoutDefect } from './defect';
import { CheckoutRecord, type Authorized } from './record';
import { CheckoutSubmissions } from './submissions';
import { versioned } from '../kit/versioning';
import { MovingDeadline } from '../kit/waiting';

/*
 * A checkout: authorize, reserve, record; then the order's own workflow takes over. What was done is undone where a later
 * step cannot be done. It answers its caller through an update and stays open only while the customer has something to do:
 * 3-D Secure, or another card after a decline.
 *
 * The bank is asked in a regular activity (it may take seconds and shows in the UI); stock and record are local activities.
 */
setWorkflowOptions(() => versioned('PINNED'), checkout);

/** Beside the webhook, Stripe is asked whether 3-D Secure is done: often at first, while the customer is at it. */
const FIRST_POLL_MS = 15_000;
const LONGEST_POLL_MS = 5 * 60_000;

/** A page that polls is answered from memory for so long: its pace must not become ours at Stripe, whose limits all buyers share. */
const LOOK_PAUSE_MS = 2_000;

export async function checkout(input: CheckoutInput): Promise<CheckoutAnswer> {
  const run = new Checkout(input);
  const answer = await run.play();
  run.close();
  // An operator's cancel ends the waiting for a customer, never an answer that somebody waits for.
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return answer;
}

class Checkout {
  private readonly submissions: CheckoutSubmissions;
  private readonly deadline = new MovingDeadline();
  private readonly saga: Saga;
  private readonly record: CheckoutRecord;
  private readonly defect: CheckoutDefect;
  private attempts = 0;
  private paymentIntentId: string | undefined;
  private hinted = false;
  /** The provider did not know a payment that was to be voided. */
  private hasUnseenHold = false;
  /** The request was refused before any money moved: the cart is an order, or cannot be bought as it is. */
  private refusedFirst = false;

  constructor(private readonly input: CheckoutInput) {
    const { orderId } = input;
    const exceptions = new OrderExceptions(
      () => orderId,
      undefined,
      () => this.submissions.total,
    );
    this.saga = new Saga(exceptions);
    this.submissions = new CheckoutSubmissions(orderId, input);
    this.defect = new CheckoutDefect(orderId, exceptions);
    this.record = new CheckoutRecord(orderId, this.submissions, this.saga, exceptions, this.defect);
    setHandler(submitCheckout, (submission) => this.submissions.submit(submission), { validator: validateSubmission });
    setHandler(resolveRaised, (command) => decideOn(exceptions, command));
    setHandler(paymentChanged, () => {
      this.hinted = true;
    });
    setHandler(getStatus, () => this.submissions.status());
  }

  close(): void {
    this.submissions.close();
  }

  /** The whole story: pay, then reserve, then record. */
  async play(): Promise<CheckoutAnswer> {
    this.registerVoid();
    try {
      const payment = await this.pay();
      if (payment === undefined) return await this.undoAll();
      // A cancel that comes this late is too late. Local activities may have run in a workflow task that the cancel made
      // fail: the order may be recorded although nothing here knows of it, and undoing would void an order's hold.
      const facts = await CancellationScope.nonCancellable(() => this.record.buy(payment));
      if (facts === undefined) return await this.undoAll();
      return this.submissions.end(placedAnswer(facts));
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await this.giveUp('The checkout was cancelled by an operator; nothing was bought.');
      return await this.undoAll();
    }
  }

  // ------------------------------------------------------------------------------------------------ payment

  /** Tries payment methods until one is authorized; undefined where the checkout has ended otherwise. */
  private async pay(): Promise<Authorized | undefined> {
    let untilMs = Date.now();
    for (;;) {
      if (!(await this.deadline.wait(() => this.submissions.someoneWaits, untilMs, 'Then give the cart up'))) {
        await this.giveUp('No payment came in time; nothing is held and nothing was bought.');
        return undefined;
      }
      const submission = this.submissions.take();
      if (submission === undefined) continue;
      const { paymentMethod } = submission;
      let result = await this.authorize(paymentMethod);
      if (result.status === 'requires_action') {
        result = await this.customerActs(paymentMethod, result.clientSecret);
        if (this.submissions.ended) return undefined;
      }
      if (result.status === 'authorized') return result;
      if (result.status === 'declined') untilMs = this.declined(paymentMethod, result);
      else if (result.status !== 'requires_action') return this.unpayable(result);
    }
  }

  /**
   * Asks the bank. The provider cancels a PaymentIntent that was tried too often, and one on which the customer confirmed another
   * amount in the browser is voided: then a fresh one is tried, once.
   */
  private async authorize(paymentMethod: string): Promise<AuthorizationResult> {
    const triedBefore = this.paymentIntentId !== undefined;
    const result = await this.attempt(paymentMethod);
    if (!triedBefore || result.status !== 'canceled') return result;
    if (result.reason !== 'voided' && result.providerReason !== 'automatic') return result;
    this.paymentIntentId = undefined;
    return this.attempt(paymentMethod);
  }

  private async attempt(paymentMethod: string): Promise<AuthorizationResult> {
    const { orderId } = this.input;
    const { cart, cartFingerprint, cartChanged, total } = this.submissions;
    this.attempts += 1;
    const attempt = this.attempts;
    this.submissions.tell(`asking the bank for ${formatMoney(total)}`, null);
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
        ...(this.paymentIntentId === undefined
          ? {}
          : { paymentIntentId: this.paymentIntentId, setAmount: cartChanged }),
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

  /** An unknown outcome is looked up, never guessed. Where even that fails, the hold is let go, whatever it is. */
  private async lookUp(attempt?: number): Promise<PaymentStatus> {
    const { orderId } = this.input;
    try {
      const known = this.paymentIntentId === undefined ? {} : { paymentIntentId: this.paymentIntentId };
      const { payment } = await syncPayment({
        orderId,
        ...(attempt === undefined ? {} : { attempt }),
        ...known,
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
        () => this.hinted || this.submissions.someoneWaits,
        pollAtMs,
        'Then ask Stripe whether 3-D Secure is done',
      );
      pollMs = woken ? pollMs : Math.min(pollMs * 2, LONGEST_POLL_MS);
      // Whoever comes back is not asked to authenticate for what is sold out meanwhile.
      if (this.submissions.someoneWaits && (await this.record.endIfSoldOut())) return { status: 'none' };
      const isNews = this.hinted || !woken || this.submissions.bringsAnother(paymentMethod);
      if (!isNews && Date.now() < lookedMs + LOOK_PAUSE_MS) {
        this.askCustomer(paymentMethod, clientSecret, untilMs);
        continue;
      }
      this.hinted = false;
      const payment = await this.lookUp();
      lookedMs = Date.now();
      if (payment.status === 'none' || payment.status === 'processing') {
        await this.deadline.wait(() => this.hinted, lookedMs + LOOK_PAUSE_MS, 'Then ask Stripe again');
        continue;
      }
      if (payment.status !== 'requires_action') return payment;
      this.askCustomer(paymentMethod, payment.clientSecret, untilMs);
      if (this.submissions.someoneWaits) return payment;
    }
    await this.giveUp('3-D Secure was not passed in time; nothing is held and nothing was bought.');
    return { status: 'none' };
  }

  private askCustomer(paymentMethod: string, clientSecret: string, untilMs: number): void {
    const until = iso(untilMs);
    const { orderId } = this.input;
    const paymentIntentId = this.paymentIntentId ?? '';
    this.submissions.reply(paymentMethod, { state: 'requires_action', orderId, paymentIntentId, clientSecret, until });
    this.submissions.tell('3-D Secure', { on: 'customer', until, why: 'the bank asks the customer to authenticate' });
  }

  private declined(paymentMethod: string, result: Extract<PaymentStatus, { status: 'declined' }>): number {
    const untilMs = Date.now() + this.submissions.cart.policy.declinedGraceMs;
    const retryUntil = iso(untilMs);
    const { orderId } = this.input;
    this.submissions.reply(paymentMethod, {
      state: 'declined',
      orderId,
      code: result.code,
      declineCode: result.declineCode,
      retryUntil,
    });
    this.submissions.tell(`declined: ${result.declineCode}`, {
      on: 'customer',
      until: retryUntil,
      why: 'another payment method may be tried',
    });
    return untilMs;
  }

  private unpayable(result: AuthorizationResult): undefined {
    this.refusedFirst = nothingWasBegun(result);
    this.submissions.end(unpaidAnswer(result));
    return undefined;
  }

  // ------------------------------------------------------------------------------------------------ ways out

  /** Ends a checkout that nobody goes on with, unless it turns out to be an order. */
  private async giveUp(message: string): Promise<void> {
    const facts = await this.record.settle();
    if (facts === undefined) this.submissions.fail('abandoned', message);
    else this.submissions.end(placedAnswer(facts));
  }

  /**
   * One undo for all attempts, registered before the first of them; and for one more: a first try runs inside the workflow task,
   * and where that is lost, history does not know of it. Sealing an attempt that never was costs nothing.
   */
  private registerVoid(): void {
    const { orderId } = this.input;
    const held = (): string => formatMoney(this.submissions.total);
    this.saga.register({
      name: 'let the card hold go',
      exceptionKind: 'void_failed',
      get atRisk() {
        return `${held()} may stay held on the customer's card until the bank lets go of it; cancel the PaymentIntents of ${orderId} by hand if this goes on.`;
      },
      run: () => this.voidHolds(),
      settledByHand: () => undefined,
    });
  }

  /**
   * Voids every attempt. @throws ApplicationFailure where the provider does not know a payment that was made: it may stand under
   * another key, so the undo is a person's case and looks for it again.
   */
  private async voidHolds(): Promise<void> {
    const { orderId } = this.input;
    const again = this.hasUnseenHold ? { onlyVoided: true } : {};
    const reason = 'checkout_not_completed';
    const { unseen } = await voidPayments({ orderId, attempts: this.attempts + 1, reason, ...again });
    this.hasUnseenHold = unseen !== undefined;
    if (unseen === undefined) return;
    const message = `Stripe does not know ${unseen.join(', ')}: check that the secret key is of the account and mode that made it`;
    throw ApplicationFailure.create({ type: failureTypes.notFound, message, nonRetryable: true });
  }

  private async undoAll(): Promise<CheckoutAnswer> {
    const { answer } = this.submissions;
    const isThisOrder = answer.state === 'placed' && answer.orderId === this.input.orderId;
    const nothingBegun = this.refusedFirst && this.paymentIntentId === undefined && this.attempts <= 1;
    if (isThisOrder || nothingBegun) this.saga.release();
    if (!isThisOrder) await this.defect.raise(this.submissions.total);
    await this.saga.compensate();
    return answer;
  }
}

function validateSubmission(submission: SubmitCheckout): void {
  if (typeof submission?.paymentMethod !== 'string' || submission.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
