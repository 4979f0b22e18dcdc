import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyLocalActivities,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { STORAGE_OPTIONS } from './activity-options';
import { iso } from './domain/deadlines';
import type { RefusalDetails } from './domain/errors';
import { formatMoney } from './domain/money';
import type { Money } from './domain/money';
import { getStatus, paymentChanged, submitCheckout } from './messages';
import type { CheckoutAnswer, CheckoutInput, SubmitCheckout } from './messages';
import { authorizeNow, syncPayment, voidPayments } from './payments';
import type { AuthorizationResult, OrderActivities, PaymentStatus } from './ports';
import { ExceptionKeys, Saga } from './saga';
import type { ExceptionDesk } from './saga';
import { CheckoutCounter } from './checkout-counter';
import { CheckoutRecord, placedAnswer, totalOf, type Authorized } from './checkout-record';
import { versioned } from './versioning';
import { MovingDeadline } from './waiting';

/*
 * A checkout: authorize, reserve, record; then the order's own workflow takes over. What was done is undone where a later
 * step cannot be done. It answers its caller through an update and stays open only while the customer has something to do:
 * 3-D Secure, or another card after a decline.
 *
 * The bank is asked in a regular activity (it may take seconds and shows in the UI); stock and record are local activities.
 */
setWorkflowOptions(() => versioned('PINNED'), checkout);

const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** A checkout that was started without a payment method waits this long for one. */
const FIRST_SUBMISSION_MS = 60_000;

/** Beside the webhook, Stripe is asked whether 3-D Secure is done: often at first, while the customer is at it. */
const FIRST_POLL_MS = 15_000;
const LONGEST_POLL_MS = 5 * 60_000;

export async function checkout(input: CheckoutInput): Promise<CheckoutAnswer> {
  const run = new Checkout(input);
  const answer = await run.play();
  // An operator's cancel ends the waiting for a customer, never an answer that somebody waits for.
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return answer;
}

class Checkout {
  private readonly counter: CheckoutCounter;
  private readonly deadline = new MovingDeadline();
  private readonly saga: Saga;
  private readonly record: CheckoutRecord;
  private attempts = 0;
  private paymentIntentId: string | undefined;
  private hinted = false;

  constructor(private readonly input: CheckoutInput) {
    const { orderId } = input;
    const { workflowId } = workflowInfo();
    const keys = new ExceptionKeys();
    const desk: ExceptionDesk = {
      raise: (kind, message) =>
        orders.raiseException({
          orderId,
          workflowId,
          kind,
          operationKey: keys.of(kind),
          message,
          owner: 'payments',
          amountAtRisk: this.total(),
        }),
      resolve: async (kind) => {
        await orders.resolveException({ orderId, workflowId, kinds: [kind], operationKeys: [keys.of(kind)] });
        keys.close(kind);
      },
    };
    this.saga = new Saga(desk);
    this.counter = new CheckoutCounter(orderId, this.total());
    this.record = new CheckoutRecord(input, this.counter, this.saga, desk);
    setHandler(submitCheckout, (submission) => this.counter.submit(submission), { validator: validateSubmission });
    setHandler(paymentChanged, () => {
      this.hinted = true;
    });
    setHandler(getStatus, () => this.counter.status());
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
      return this.counter.end(placedAnswer(facts));
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await this.giveUp('The checkout was cancelled by an operator; nothing was bought.');
      return await this.undoAll();
    }
  }

  // ------------------------------------------------------------------------------------------------ payment

  /** Tries payment methods until one is authorized; undefined where the checkout has ended otherwise. */
  private async pay(): Promise<Authorized | undefined> {
    let untilMs = Date.now() + FIRST_SUBMISSION_MS;
    for (;;) {
      if (!(await this.deadline.wait(() => this.counter.next !== undefined, untilMs, 'Then give the cart up'))) {
        await this.giveUp('No payment came in time; nothing is held and nothing was bought.');
        return undefined;
      }
      const paymentMethod = this.counter.next;
      if (paymentMethod === undefined) continue;
      let result = await this.authorize(paymentMethod);
      if (result.status === 'requires_action') {
        result = await this.customerActs(paymentMethod, result.clientSecret);
        if (this.counter.ended) return undefined;
      }
      if (result.status === 'authorized') return result;
      if (result.status === 'declined') untilMs = this.declined(paymentMethod, result);
      else if (result.status !== 'requires_action') return this.unpayable(result);
    }
  }

  private async authorize(paymentMethod: string): Promise<AuthorizationResult> {
    const { cart, orderId } = this.input;
    this.attempts += 1;
    const attempt = this.attempts;
    this.counter.tell(`asking the bank for ${formatMoney(this.total())}`, null);
    try {
      const result = await authorizeNow({
        orderId,
        cartId: cart.cartId,
        attempt,
        purpose: 'checkout',
        amount: this.total(),
        customer: cart.customer,
        paymentMethod,
        ...(this.paymentIntentId === undefined ? {} : { paymentIntentId: this.paymentIntentId }),
        offSession: false,
        lines: cart.lines,
      });
      return this.remember(result);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the outcome of an authorization is not known: looking it up', { orderId, error: String(error) });
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
    const untilMs = Date.now() + this.input.cart.policy.customerActionMs;
    let pollMs = FIRST_POLL_MS;
    this.askCustomer(paymentMethod, clientSecret, untilMs);
    while (Date.now() < untilMs) {
      const pollAtMs = Math.min(Date.now() + pollMs, untilMs);
      const woken = await this.deadline.wait(
        () => this.hinted || this.counter.next !== undefined,
        pollAtMs,
        'Then ask Stripe whether 3-D Secure is done',
      );
      pollMs = woken ? pollMs : Math.min(pollMs * 2, LONGEST_POLL_MS);
      this.hinted = false;
      const payment = await this.lookUp();
      if (payment.status === 'none' || payment.status === 'processing') continue;
      if (payment.status !== 'requires_action') return payment;
      this.askCustomer(paymentMethod, payment.clientSecret, untilMs);
      if (this.counter.next !== undefined) return payment;
    }
    await this.giveUp('3-D Secure was not passed in time; nothing is held and nothing was bought.');
    return { status: 'none' };
  }

  private askCustomer(paymentMethod: string, clientSecret: string, untilMs: number): void {
    const until = iso(untilMs);
    const { orderId } = this.input;
    const paymentIntentId = this.paymentIntentId ?? '';
    this.counter.reply(paymentMethod, { state: 'requires_action', orderId, paymentIntentId, clientSecret, until });
    this.counter.tell('3-D Secure', { on: 'customer', until, why: 'the bank asks the customer to authenticate' });
  }

  private declined(paymentMethod: string, result: Extract<PaymentStatus, { status: 'declined' }>): number {
    const untilMs = Date.now() + this.input.cart.policy.declinedGraceMs;
    const retryUntil = iso(untilMs);
    const { orderId } = this.input;
    this.counter.reply(paymentMethod, {
      state: 'declined',
      orderId,
      code: result.code,
      declineCode: result.declineCode,
      retryUntil,
    });
    this.counter.tell(`declined: ${result.declineCode}`, {
      on: 'customer',
      until: retryUntil,
      why: 'another payment method may be tried',
    });
    return untilMs;
  }

  private unpayable(result: AuthorizationResult): undefined {
    if (result.status === 'existing_order') this.counter.end(placedAnswer(result.facts));
    else if (result.status === 'invalid') this.counter.end({ state: 'invalid', problems: result.problems });
    else if (result.status === 'refused') this.counter.end(refusedAnswer(result));
    else
      this.counter.fail(
        'payment_unavailable',
        'The payment could not be made; nothing is held. The same cart may be sent again.',
      );
    return undefined;
  }

  // ------------------------------------------------------------------------------------------------ ways out

  /** Ends a checkout that nobody goes on with, unless it turns out to be an order. */
  private async giveUp(message: string): Promise<void> {
    const facts = await this.record.settle();
    if (facts === undefined) this.counter.fail('abandoned', message);
    else this.counter.end(placedAnswer(facts));
  }

  /**
   * One undo for all attempts, registered before the first of them; and for one more: a first try runs inside the workflow task,
   * and where that is lost, history does not know of it. Sealing an attempt that never was costs nothing.
   */
  private registerVoid(): void {
    const { orderId } = this.input;
    this.saga.register({
      name: 'let the card hold go',
      exceptionKind: 'void_failed',
      atRisk: `${formatMoney(this.total())} may stay held on the customer's card until the bank lets go of it; cancel the PaymentIntents of ${orderId} by hand if this goes on.`,
      run: () => voidPayments({ orderId, attempts: this.attempts + 1, reason: 'checkout_not_completed' }),
    });
  }

  private async undoAll(): Promise<CheckoutAnswer> {
    const { answer } = this.counter;
    const isThisOrder = answer.state === 'placed' && answer.orderId === this.input.orderId;
    // Another order of this cart stands, or the request was refused before any money moved.
    const nothingBegun =
      (answer.state === 'placed' || answer.state === 'invalid') && this.paymentIntentId === undefined;
    if (isThisOrder || (nothingBegun && this.attempts <= 1)) this.saga.release();
    await this.saga.compensate();
    return answer;
  }

  private total(): Money {
    return totalOf(this.input);
  }
}

/** Fields of a checkout by the provider's parameter. The provider knows the total only: the lines, shipping and tax make it up. */
const FIELD_OF_PARAM: Readonly<Record<string, string>> = {
  amount: 'lines',
  currency: 'currency',
  payment_method: 'paymentMethod',
};

function refusedAnswer({ message, param }: RefusalDetails): CheckoutAnswer {
  const field = param === undefined ? undefined : FIELD_OF_PARAM[param];
  if (field !== undefined) return { state: 'invalid', problems: [{ field, message }] };
  return { state: 'failed', code: 'payment_refused', message };
}

function validateSubmission(submission: SubmitCheckout): void {
  if (typeof submission?.paymentMethod !== 'string' || submission.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
