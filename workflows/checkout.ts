import {
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { AUTHORIZE_OPTIONS, LOOKUP_OPTIONS, MONEY_OPTIONS, STORAGE_OPTIONS } from './activity-options';
import { iso } from './domain/deadlines';
import { cartTotal } from './domain/shipment-amount';
import { formatMoney } from './domain/money';
import type { OrderFacts } from './domain/order';
import type { Waiting } from './domain/waiting';
import { getStatus, paymentChanged, submitCheckout } from './messages';
import type { CheckoutAnswer, CheckoutInput, SubmitCheckout } from './messages';
import type { AuthorizationResult, OrderActivities, PaymentActivities, PaymentStatus } from './ports';
import { insist, Saga } from './saga';
import type { ExceptionDesk, Undo } from './saga';
import { searchAttributes } from './search-attributes';
import { MovingDeadline } from './waiting';

/*
 * A checkout: authorize, reserve, record; then the order's own workflow takes over. What was done is undone where a later
 * step cannot be done. It answers its caller through an update and stays open only while the customer has something to do:
 * 3-D Secure, or another card after a decline.
 *
 * The bank is asked in a regular activity (it may take seconds and shows in the UI); stock and record are local activities.
 */
setWorkflowOptions({ versioningBehavior: 'PINNED' }, checkout);

const bank = proxyActivities<Pick<PaymentActivities, 'authorizePayment'>>(AUTHORIZE_OPTIONS);
const lookup = proxyActivities<Pick<PaymentActivities, 'syncPayment'>>(LOOKUP_OPTIONS);
const money = proxyActivities<Pick<PaymentActivities, 'voidPayments'>>(MONEY_OPTIONS);
const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** A checkout that was started without a payment method waits this long for one. */
const FIRST_SUBMISSION_MS = 60_000;

/** Beside the webhook, Stripe is asked whether 3-D Secure is done: often at first, while the customer is at it. */
const FIRST_POLL_MS = 15_000;
const LONGEST_POLL_MS = 5 * 60_000;

type Authorized = Extract<PaymentStatus, { status: 'authorized' }>;

interface Submission {
  readonly paymentMethod: string;
  answer?: CheckoutAnswer;
}

export async function checkout(input: CheckoutInput): Promise<CheckoutAnswer> {
  const run = new Checkout(input);
  const answer = await run.play();
  await condition(allHandlersFinished);
  return answer;
}

class Checkout {
  /** Tries to pay that have no answer yet, the oldest first. */
  private readonly open: Submission[] = [];
  private readonly deadline = new MovingDeadline();
  private readonly saga: Saga;
  private readonly desk: ExceptionDesk;
  private fingerprint: string | undefined;
  private attempts = 0;
  private paymentIntentId: string | undefined;
  private hinted = false;
  private ended: CheckoutAnswer | undefined;
  private step = 'waiting for a payment method';
  private waiting: Waiting | null = null;

  constructor(private readonly input: CheckoutInput) {
    const { orderId } = input;
    const { workflowId } = workflowInfo();
    this.desk = {
      raise: (kind, message) =>
        orders.raiseException({ orderId, workflowId, kind, message, owner: 'payments', amountAtRisk: this.total() }),
      resolve: (kind) => orders.resolveException({ orderId, workflowId, kinds: [kind] }),
    };
    this.saga = new Saga(this.desk);
    setHandler(submitCheckout, (submission) => this.submit(submission), { validator: validateSubmission });
    setHandler(paymentChanged, () => {
      this.hinted = true;
    });
    setHandler(getStatus, () => ({ orderId, step: this.step, waiting: this.waiting }));
  }

  /** The whole story: pay, then reserve, then record. */
  async play(): Promise<CheckoutAnswer> {
    try {
      const payment = await this.pay();
      if (payment === undefined) return await this.undoAll();
      if (!(await this.reserve())) return await this.undoAll();
      const facts = await this.place(payment);
      if (facts === undefined) return await this.undoAll();
      return this.end(placedAnswer(facts));
    } catch (error) {
      if (!isCancellation(error)) throw error;
      this.end(failed('abandoned', 'The checkout was cancelled by an operator; nothing was bought.'));
      return await this.undoAll();
    }
  }

  // ------------------------------------------------------------------------------------------------ messages

  /**
   * Hazard: two submissions of one cart may run here at the same time. The same payment method joins the try that runs;
   * another one waits its turn on the same PaymentIntent.
   */
  private async submit(submission: SubmitCheckout): Promise<CheckoutAnswer> {
    this.fingerprint ??= submission.cartFingerprint;
    if (this.fingerprint !== submission.cartFingerprint) {
      return failed('cart_changed', 'This cart id is being checked out with other contents; use a new cart id.');
    }
    if (this.ended !== undefined) return this.ended;
    const mine: Submission = { paymentMethod: submission.paymentMethod };
    this.open.push(mine);
    await condition(() => mine.answer !== undefined || this.ended !== undefined);
    return mine.answer ?? this.endedAnswer();
  }

  /** Gives an answer to every open submission with this payment method. */
  private reply(paymentMethod: string, answer: CheckoutAnswer): void {
    for (let index = this.open.length - 1; index >= 0; index -= 1) {
      const submission = this.open[index];
      if (submission?.paymentMethod !== paymentMethod) continue;
      submission.answer = answer;
      this.open.splice(index, 1);
    }
  }

  /** Decides the checkout: everybody who asks from now on gets this answer. */
  private end(answer: CheckoutAnswer): CheckoutAnswer {
    this.ended ??= answer;
    this.open.length = 0;
    this.tell(`ended: ${answer.state}`, null);
    return this.ended;
  }

  // ------------------------------------------------------------------------------------------------ payment

  /** Tries payment methods until one is authorized; undefined where the checkout has ended otherwise. */
  private async pay(): Promise<Authorized | undefined> {
    let untilMs = Date.now() + FIRST_SUBMISSION_MS;
    for (;;) {
      if (!(await this.deadline.wait(() => this.open.length > 0, untilMs, 'Until the cart may be paid'))) {
        this.end(failed('abandoned', 'No payment came in time; nothing is held and nothing was bought.'));
        return undefined;
      }
      const submission = this.open[0] as Submission;
      let result = await this.authorize(submission.paymentMethod);
      if (result.status === 'requires_action') {
        result = await this.customerActs(submission.paymentMethod, result.clientSecret);
        if (this.ended !== undefined) return undefined;
      }
      if (result.status === 'authorized') return result;
      if (result.status === 'declined') untilMs = this.declined(submission.paymentMethod, result);
      else if (result.status !== 'requires_action') return this.unpayable(result);
    }
  }

  private async authorize(paymentMethod: string): Promise<AuthorizationResult> {
    const { cart, orderId } = this.input;
    this.attempts += 1;
    const attempt = this.attempts;
    this.tell(`asking the bank for ${formatMoney(this.total())}`, null);
    this.registerVoid();
    try {
      const result = await bank.authorizePayment({
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
      const { payment } = await lookup.syncPayment({
        orderId,
        ...(attempt === undefined ? {} : { attempt }),
        ...known,
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
        () => this.hinted || this.open.length > 0,
        pollAtMs,
        'Ask Stripe whether 3-D Secure is done',
      );
      pollMs = woken ? pollMs : Math.min(pollMs * 2, LONGEST_POLL_MS);
      this.hinted = false;
      const payment = await this.lookUp();
      if (payment.status === 'none' || payment.status === 'processing') continue;
      if (payment.status !== 'requires_action') return payment;
      this.askCustomer(paymentMethod, payment.clientSecret, untilMs);
      if (this.open.length > 0) return payment;
    }
    this.end(failed('abandoned', '3-D Secure was not passed in time; nothing is held and nothing was bought.'));
    return { status: 'none' };
  }

  private askCustomer(paymentMethod: string, clientSecret: string, untilMs: number): void {
    const until = iso(untilMs);
    const { orderId } = this.input;
    const paymentIntentId = this.paymentIntentId ?? '';
    this.reply(paymentMethod, { state: 'requires_action', orderId, paymentIntentId, clientSecret, until });
    this.tell('3-D Secure', { on: 'customer', until, why: 'the bank asks the customer to authenticate' });
  }

  private declined(paymentMethod: string, result: Extract<PaymentStatus, { status: 'declined' }>): number {
    const untilMs = Date.now() + this.input.cart.policy.declinedGraceMs;
    const retryUntil = iso(untilMs);
    const { orderId } = this.input;
    this.reply(paymentMethod, {
      state: 'declined',
      orderId,
      code: result.code,
      declineCode: result.declineCode,
      retryUntil,
    });
    this.tell(`declined: ${result.declineCode}`, {
      on: 'customer',
      until: retryUntil,
      why: 'another payment method may be tried',
    });
    return untilMs;
  }

  private unpayable(result: AuthorizationResult): undefined {
    if (result.status === 'existing_order') this.end(placedAnswer(result.facts));
    else if (result.status === 'invalid') this.end({ state: 'invalid', problems: result.problems });
    else
      this.end(
        failed(
          'payment_unavailable',
          'The payment could not be made; nothing is held. The same cart may be sent again.',
        ),
      );
    return undefined;
  }

  // ------------------------------------------------------------------------------------------------ stock and record

  private async reserve(): Promise<boolean> {
    const { cart, orderId } = this.input;
    this.saga.register({
      name: 'release the stock',
      exceptionKind: 'release_failed',
      atRisk: `stock may stay reserved for ${orderId}, which is no order; release it by hand if this goes on.`,
      run: () => orders.releaseStock({ orderId }),
    });
    try {
      const stock = await orders.reserveStock({
        orderId,
        lines: cart.lines.map(({ sku, quantity }) => ({ sku, quantity })),
      });
      if (stock.outcome === 'reserved') return true;
      this.end({ state: 'out_of_stock', sku: stock.sku, available: stock.available });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.error('stock could not be reserved', { orderId, error: String(error) });
      this.end(
        failed(
          'order_unavailable',
          'The order could not be recorded; nothing is held. The same cart may be sent again.',
        ),
      );
    }
    return false;
  }

  /** Records the order. An unknown outcome is settled first: the record either stands, or can not come any more. */
  private async place(payment: Authorized): Promise<OrderFacts | undefined> {
    const { cart, orderId } = this.input;
    const withdraw: Undo<Awaited<ReturnType<OrderActivities['withdrawOrder']>>> = {
      name: 'find out whether the order was recorded',
      exceptionKind: 'withdraw_failed',
      atRisk: `${formatMoney(this.total())} is held for ${orderId}, which may or may not be recorded.`,
      run: () => orders.withdrawOrder({ orderId }),
    };
    try {
      const placed = await orders.placeOrder({ orderId, cart, paymentIntentId: payment.paymentIntentId });
      if (placed.outcome === 'placed') return placed.facts;
      this.end(placedAnswer(placed.facts));
    } catch (error) {
      log.error('the order could not be recorded: settling what is true', { orderId, error: String(error) });
      const settled = await insist(withdraw, this.desk);
      if (settled.outcome === 'placed') return settled.facts;
      this.end(
        failed(
          'order_unavailable',
          'The order could not be recorded; nothing is held. The same cart may be sent again.',
        ),
      );
    }
    return undefined;
  }

  // ------------------------------------------------------------------------------------------------ helpers

  /** One undo for all attempts, registered before the first of them. */
  private registerVoid(): void {
    if (this.attempts > 1) return;
    const { orderId } = this.input;
    this.saga.register({
      name: 'let the card hold go',
      exceptionKind: 'void_failed',
      atRisk: `${formatMoney(this.total())} may stay held on the customer's card until the bank lets go of it; cancel the PaymentIntents of ${orderId} by hand if this goes on.`,
      run: () => money.voidPayments({ orderId, attempts: this.attempts, reason: 'checkout_not_completed' }),
    });
  }

  private async undoAll(): Promise<CheckoutAnswer> {
    const answer = this.endedAnswer();
    const { state } = answer;
    // Nothing was begun where the cart is an order already or was refused before any money moved.
    if (state === 'placed' || state === 'invalid') {
      if (this.attempts <= 1 && this.paymentIntentId === undefined) this.saga.release();
    }
    await this.saga.compensate();
    return answer;
  }

  private endedAnswer(): CheckoutAnswer {
    if (this.ended === undefined) throw new TypeError('a checkout was undone before it was decided');
    return this.ended;
  }

  private total(): { amount: number; currency: string } {
    return { amount: cartTotal(this.input.cart), currency: this.input.cart.currency };
  }

  private tell(step: string, waiting: Waiting | null): void {
    const changed = (waiting === null) !== (this.waiting === null);
    this.step = step;
    this.waiting = waiting;
    setCurrentDetails(
      waiting === null
        ? `**Checkout of ${formatMoney(this.total())}**: ${step}`
        : `**Checkout of ${formatMoney(this.total())}**: ${step}\n\nWaits for the **${waiting.on}** until ${waiting.until}: ${waiting.why}`,
    );
    if (!changed) return;
    upsertSearchAttributes([
      { key: searchAttributes.waitingOn, value: waiting === null ? null : waiting.on },
      { key: searchAttributes.waitingUntil, value: waiting === null ? null : new Date(waiting.until) },
    ]);
  }
}

function validateSubmission(submission: SubmitCheckout): void {
  if (typeof submission?.paymentMethod !== 'string' || submission.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}

function placedAnswer(facts: OrderFacts): CheckoutAnswer {
  return {
    state: 'placed',
    orderId: facts.orderId,
    authorizedAmount: facts.amounts.authorized,
    captureBefore: facts.hold?.captureBefore ?? null,
  };
}

function failed(code: Extract<CheckoutAnswer, { state: 'failed' }>['code'], message: string): CheckoutAnswer {
  return { state: 'failed', code, message };
}
