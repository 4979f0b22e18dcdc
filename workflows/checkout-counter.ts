import { CancellationScope, condition, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { formatMoney } from './domain/money';
import type { Money } from './domain/money';
import type { Waiting } from './domain/waiting';
import type { CheckoutAnswer, SubmitCheckout, WorkflowStatus } from './messages';
import { searchAttributes } from './search-attributes';

/** A try to pay that has no answer yet. */
interface Submission {
  readonly paymentMethod: string;
  answer?: CheckoutAnswer;
}

/** Where customers of one checkout wait for their answers, and what the Temporal UI shows of it. */
export class CheckoutCounter {
  /** Tries to pay that have no answer yet, the oldest first. */
  private readonly open: Submission[] = [];
  private fingerprint: string | undefined;
  private decided: CheckoutAnswer | undefined;
  private step = 'waiting for a payment method';
  private waiting: Waiting | null = null;

  constructor(
    private readonly orderId: string,
    private readonly total: Money,
  ) {}

  /** The payment method to try next. */
  get next(): string | undefined {
    return this.open[0]?.paymentMethod;
  }

  get ended(): boolean {
    return this.decided !== undefined;
  }

  /** How the checkout ended. Only after it did. */
  get answer(): CheckoutAnswer {
    if (this.decided === undefined) throw new TypeError('a checkout was asked for its end before it was decided');
    return this.decided;
  }

  /**
   * Hazard: two submissions of one cart may wait here at the same time. The same payment method joins the try that runs;
   * another one waits its turn on the same PaymentIntent.
   */
  async submit(submission: SubmitCheckout): Promise<CheckoutAnswer> {
    this.fingerprint ??= submission.cartFingerprint;
    if (this.fingerprint !== submission.cartFingerprint) {
      const message = 'This cart id is being checked out with other contents; use a new cart id.';
      return { state: 'failed', code: 'cart_changed', message };
    }
    if (this.decided !== undefined) return this.decided;
    const mine: Submission = { paymentMethod: submission.paymentMethod };
    this.open.push(mine);
    const answered = (): boolean => mine.answer !== undefined || this.decided !== undefined;
    // An operator's cancel decides the checkout: those who wait get that answer, not a failed call.
    await CancellationScope.nonCancellable(() => condition(answered));
    return mine.answer ?? this.answer;
  }

  /** Gives an answer to every open submission with this payment method. */
  reply(paymentMethod: string, answer: CheckoutAnswer): void {
    for (let index = this.open.length - 1; index >= 0; index -= 1) {
      const submission = this.open[index];
      if (submission?.paymentMethod !== paymentMethod) continue;
      submission.answer = answer;
      this.open.splice(index, 1);
    }
  }

  /** Decides the checkout: everybody who asks from now on gets this answer. The first decision stands. */
  end(answer: CheckoutAnswer): CheckoutAnswer {
    this.decided ??= answer;
    this.open.length = 0;
    this.tell(`ended: ${answer.state}`, null);
    return this.decided;
  }

  fail(code: Extract<CheckoutAnswer, { state: 'failed' }>['code'], message: string): CheckoutAnswer {
    return this.end({ state: 'failed', code, message });
  }

  /** Says what is going on. Costs a history event only where the party that is waited for changes. */
  tell(step: string, waiting: Waiting | null): void {
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
}
