import { ApplicationFailure } from '@temporalio/common';
import { failureTypes } from '../../../workflows/domain/shared/errors';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { AuthorizePaymentInput, CapturePaymentInput, PaymentStatus } from '../../../workflows/payment/ports';
import type {
  AttemptRecord,
  AttemptStatus,
  BeginAttemptResult,
  BeginCaptureResult,
  CaptureOutcome,
  PaymentStore,
  RecordAttemptInput,
  RecordAttemptResult,
  RecordVoidInput,
} from '../../../activities/storage/payments/store';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Attempt = Mutable<AttemptRecord> & { result?: PaymentStatus };

/** The contract of PaymentStore in memory, so that the adapter can be tried at moments that a database has no knob for. */
export class MemoryStore implements PaymentStore {
  readonly attempts = new Map<string, Attempt>();
  readonly recorded: RecordAttemptInput[] = [];
  readonly captures: { input: CapturePaymentInput; outcome: CaptureOutcome }[] = [];
  readonly expired: string[] = [];
  /** Of a hold that allows several captures: what is known as captured from it. */
  knownAmount: number | undefined;
  private readonly keyNumbers = new Map<string, number>();
  /** Called once an attempt is written down: what happens between our database and the provider. */
  afterBegin: (() => Promise<void> | void) | undefined;
  /** Called before the result of an attempt is written down. */
  beforeRecord: (() => Promise<void> | void) | undefined;

  constructor(private readonly now: () => number) {}

  async beginAttempt(input: AuthorizePaymentInput): Promise<BeginAttemptResult> {
    const known = this.attempts.get(operationKeys.authorize(input.orderId, input.attempt));
    if (known?.tombstoned === true) {
      throw ApplicationFailure.nonRetryable('undone before it began', failureTypes.undone);
    }
    if (known?.result !== undefined && !['requires_action', 'processing'].includes(known.result.status)) {
      return { kind: 'recorded', result: known.result };
    }
    const attempt = known ?? this.add(input);
    await this.afterBegin?.();
    const { paymentIntentId, startedAt } = attempt;
    return { kind: 'begun', startedAt, ...(paymentIntentId === undefined ? {} : { paymentIntentId }) };
  }

  async recordAttempt(input: RecordAttemptInput): Promise<RecordAttemptResult> {
    await this.beforeRecord?.();
    const attempt = this.find(input.orderId, input.attempt);
    this.recorded.push(input);
    const { status } = input;
    if ('paymentIntentId' in status && status.paymentIntentId !== undefined)
      attempt.paymentIntentId = status.paymentIntentId;
    if (attempt.tombstoned && status.status !== 'captured') return { kind: 'undone' };
    const { clientSecret: _secret, ...result } = { clientSecret: '', ...status };
    if (status.status !== 'refused') attempt.result = result as PaymentStatus;
    attempt.status = statusOf(status);
    if (status.status === 'authorized') attempt.authorizedAmount = status.hold.authorizedAmount;
    if (status.status === 'captured') attempt.capturedAmount = status.capturedAmount;
    return { kind: 'recorded' };
  }

  sealAttempts(orderId: string, attempts: number): Promise<AttemptRecord[]> {
    return Promise.all(Array.from({ length: attempts }, (_, index) => this.sealAttempt(orderId, index + 1)));
  }

  async sealAttempt(orderId: string, attempt: number): Promise<AttemptRecord> {
    const key = operationKeys.authorize(orderId, attempt);
    const found = this.attempts.get(key) ?? this.blank(orderId, attempt, 'sealed');
    found.tombstoned = true;
    return { ...found };
  }

  async recordVoid(input: RecordVoidInput): Promise<{ releasedAmount: number }> {
    const attempt = this.find(input.orderId, input.attempt);
    attempt.status = 'voided';
    attempt.paymentIntentId = input.paymentIntentId;
    attempt.releasedAmount = attempt.authorizedAmount - attempt.capturedAmount;
    return { releasedAmount: attempt.releasedAmount };
  }

  async beginCapture(input: CapturePaymentInput): Promise<BeginCaptureResult> {
    const known = this.captures.find((one) => captureId(one.input) === captureId(input));
    if (known !== undefined) return { kind: 'recorded', facts: FACTS };
    return { kind: 'begun', ...(this.knownAmount !== undefined && { knownAmount: this.knownAmount }) };
  }

  async recordCapture(input: CapturePaymentInput, outcome: CaptureOutcome): Promise<OrderFacts> {
    this.captures.push({ input, outcome });
    return FACTS;
  }

  async abandonCapture(): Promise<OrderFacts> {
    return FACTS;
  }

  async recordHoldExpired(input: { paymentIntentId: string }): Promise<OrderFacts> {
    this.expired.push(input.paymentIntentId);
    return FACTS;
  }

  async getAttempt(orderId: string, attempt: number): Promise<AttemptRecord | undefined> {
    return this.attempts.get(operationKeys.authorize(orderId, attempt));
  }

  async findAttemptByPaymentIntent(paymentIntentId: string): Promise<AttemptRecord | undefined> {
    return [...this.attempts.values()].findLast((one) => one.paymentIntentId === paymentIntentId);
  }

  async keyNumber(operationKey: string): Promise<number> {
    return this.keyNumbers.get(operationKey) ?? 1;
  }

  async nextKey(operationKey: string, usedUp: number): Promise<number> {
    const number = Math.max(usedUp + 1, await this.keyNumber(operationKey));
    this.keyNumbers.set(operationKey, number);
    return number;
  }

  private find(orderId: string, attempt: number): Attempt {
    const found = this.attempts.get(operationKeys.authorize(orderId, attempt));
    if (found === undefined) throw ApplicationFailure.nonRetryable('no such attempt', failureTypes.notFound);
    return found;
  }

  private add(input: AuthorizePaymentInput): Attempt {
    const attempt = this.blank(input.orderId, input.attempt, 'begun');
    attempt.amount = input.amount.amount;
    attempt.currency = input.amount.currency;
    attempt.customerId = input.customer.id;
    if (input.paymentIntentId !== undefined) attempt.paymentIntentId = input.paymentIntentId;
    return attempt;
  }

  private blank(orderId: string, attempt: number, status: AttemptStatus): Attempt {
    const operationKey = operationKeys.authorize(orderId, attempt);
    const startedAt = new Date(this.now()).toISOString();
    const sums = { authorizedAmount: 0, capturedAmount: 0, releasedAmount: 0 };
    const made: Attempt = { orderId, attempt, operationKey, status, startedAt, tombstoned: false, ...sums };
    this.attempts.set(operationKey, made);
    return made;
  }
}

/** The adapter hands facts on and never looks into them. */
export const FACTS = { orderId: 'facts of the store' } as OrderFacts;

function captureId(input: CapturePaymentInput): string {
  return `${input.paymentIntentId}/${input.shipment?.shipmentId ?? ''}`;
}

function statusOf(status: RecordAttemptInput['status']): AttemptStatus {
  if (status.status === 'canceled') return status.reason === 'expired' ? 'expired' : 'canceled';
  return status.status === 'none' ? 'begun' : status.status;
}
