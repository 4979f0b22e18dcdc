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
  const run = setUp(input);
  const answer = await play(run);
  run.submissions.close();
  // An operator's cancel ends the waiting for a customer, never an answer that somebody waits for.
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return answer;
}

/** The whole story, in order: each step beside its undo. A step that answers false has ended the checkout. */
function steps({ orderId, submissions, payment, record }: Checkout): readonly SagaStep[] {
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

async function play(run: Checkout): Promise<CheckoutAnswer> {
  const { submissions, record, payment, exceptions, defect } = run;
  const saga = new Saga(exceptions);
  try {
    await saga.perform(steps(run));
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await record.withdraw('abandoned', 'The checkout was cancelled by an operator; nothing was bought.');
  }
  const { answer } = submissions;
  const isPlaced = answer.state === 'placed' && answer.orderId === run.orderId;
  if (isPlaced || payment.wasNeverBegun) saga.release();
  // Before the undo, which may take days.
  if (!isPlaced) await defect.raise();
  await saga.compensate();
  return answer;
}

/** What one run holds in memory. No Lifecycle: nothing is in Postgres before the last step, and only the first step waits. */
interface Checkout {
  readonly orderId: string;
  readonly submissions: CheckoutSubmissions;
  readonly payment: CheckoutPayment;
  readonly record: CheckoutRecord;
  readonly exceptions: OrderExceptions;
  readonly defect: CheckoutDefect;
}

function setUp(input: CheckoutInput): Checkout {
  const { orderId } = input;
  const submissions = new CheckoutSubmissions(orderId, input);
  const exceptions = new OrderExceptions(
    () => orderId,
    undefined,
    () => submissions.total,
  );
  const defect = new CheckoutDefect(exceptions);
  const record = new CheckoutRecord(orderId, submissions, exceptions, defect);
  const payment = new CheckoutPayment(orderId, submissions, record, defect);
  setHandler(submitCheckout, (submission) => submissions.submit(submission), { validator: validateSubmission });
  setHandler(resolveRaised, (command) => decideOn(exceptions, command));
  setHandler(paymentChanged, () => payment.hint());
  setHandler(getStatus, () => submissions.status());
  return { orderId, submissions, payment, record, exceptions, defect };
}

function validateSubmission(submission: SubmitCheckout): void {
  if (typeof submission?.paymentMethod !== 'string' || submission.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
