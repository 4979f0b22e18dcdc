import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { formatMoney } from '../domain/shared/money';
import { decideOn, OrderExceptions } from '../kit/exceptions';
import { getStatus, resolveRaised } from '../kit/messages';
import { Saga, type SagaStep } from '../kit/saga';
import { versioned } from '../kit/versioning';
import { paymentChanged } from '../payment/messages';
import { CheckoutDefect } from './defect';
import { submitCheckout, type CheckoutAnswer, type CheckoutInput, type SubmitCheckout } from './messages';
import { CheckoutPayment } from './payment';
import { CheckoutRecord } from './record';
import { CheckoutSubmissions } from './submissions';

/*
 * A checkout: authorize, reserve, record; then the order's own workflow takes over. Where a step cannot be done, the steps
 * before it are undone. The checkout answers its caller through an update and stays open only while the customer has
 * something to do: 3-D Secure, or another card after a decline.
 */
setWorkflowOptions(() => versioned('PINNED'), checkout);

export async function checkout(input: CheckoutInput): Promise<CheckoutAnswer> {
  const run = new Checkout(input);
  const answer = await run.play();
  run.submissions.close();
  // An operator's cancel ends the waiting for a customer, never an answer that somebody waits for.
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return answer;
}

class Checkout {
  readonly submissions: CheckoutSubmissions;
  private readonly saga: Saga;
  private readonly payment: CheckoutPayment;
  private readonly record: CheckoutRecord;
  private readonly defect: CheckoutDefect;

  constructor(private readonly input: CheckoutInput) {
    const { orderId } = input;
    const submissions = new CheckoutSubmissions(orderId, input);
    const exceptions = new OrderExceptions(
      () => orderId,
      undefined,
      () => submissions.total,
    );
    this.submissions = submissions;
    this.saga = new Saga(exceptions);
    this.defect = new CheckoutDefect(exceptions);
    this.record = new CheckoutRecord(orderId, submissions, exceptions, this.defect);
    this.payment = new CheckoutPayment(orderId, submissions, this.record, this.defect);
    setHandler(submitCheckout, (submission) => submissions.submit(submission), { validator: validateSubmission });
    setHandler(resolveRaised, (command) => decideOn(exceptions, command));
    setHandler(paymentChanged, () => this.payment.hint());
    setHandler(getStatus, () => submissions.status());
  }

  /** The whole story, in order: each step beside its undo. A step that answers false has ended the checkout. */
  private steps(): readonly SagaStep[] {
    const { submissions, payment, record } = this;
    const { orderId } = this.input;
    return [
      {
        do: () => payment.authorize(),
        undo: {
          name: 'void the card hold',
          exceptionKind: 'void_failed',
          get atRisk() {
            return `${formatMoney(submissions.total)} may stay held on the customer's card until the bank releases it; cancel the PaymentIntents of ${orderId} by hand if this goes on.`;
          },
          run: () => payment.voidAll(),
          resolvedByHand: () => undefined,
        },
      },
      {
        do: () => record.reserve(),
        undo: {
          name: 'release the stock',
          exceptionKind: 'release_failed',
          atRisk: `stock may stay reserved for ${orderId}, which is no order; release it by hand if this goes on.`,
          run: () => record.release(),
          resolvedByHand: () => undefined,
        },
      },
      // The last step has no undo: a recorded order stays. `record.withdraw` makes sure that it is recorded now or never.
      { do: () => record.place(payment.paymentIntentId) },
    ];
  }

  async play(): Promise<CheckoutAnswer> {
    try {
      await this.saga.perform(this.steps());
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await this.record.withdraw('abandoned', 'The checkout was cancelled by an operator; nothing was bought.');
    }
    const { answer } = this.submissions;
    const isPlaced = answer.state === 'placed' && answer.orderId === this.input.orderId;
    if (isPlaced || this.payment.wasNeverBegun) this.saga.release();
    // Before the undo, which may take days.
    if (!isPlaced) await this.defect.raise();
    await this.saga.compensate();
    return answer;
  }
}

function validateSubmission(submission: SubmitCheckout): void {
  if (typeof submission?.paymentMethod !== 'string' || submission.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
