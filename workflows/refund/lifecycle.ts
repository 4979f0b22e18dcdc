import { proxyActivities, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import { LOOKUP_OPTIONS, MONEY_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import { iso } from '../domain/shared/deadlines';
import { formatMoney } from '../domain/shared/money';
import type { ExceptionKind } from '../domain/exception/exception';
import {
  DEFAULT_REFUND_POLICY,
  isInProgress,
  type RefundFacts,
  type RefundPart,
  type RefundPolicy,
} from '../domain/refund/refund';
import { isRefundOver, needsPerson, nextRefundDue, refundWaiting, type RefundDue } from '../domain/refund/look';
import { orderChanged } from '../order/messages';
import { workflowIds } from '../kit/names';
import type { OrderActivities } from '../order/ports';
import type { RefundAccepted, RefundInput, RefundRefusal, RefundStatus } from './messages';
import type { AdoptRefundResult, RefundActivities, RefundChange, RefundProviderActivities } from './ports';
import { OrderExceptions } from '../kit/exceptions';
import { searchAttributes, waitingLine, type Shown } from '../kit/search-attributes';
import { signalIfRunning } from '../kit/signal';
import { Lifecycle, RETRY_MS } from '../kit/lifecycle';
import { Backoff } from '../kit/waiting';

export const records = proxyLocalActivities<RefundActivities & OrderActivities>(STORAGE_OPTIONS);
const sending = proxyActivities<RefundProviderActivities>(MONEY_OPTIONS);
const looking = proxyActivities<RefundProviderActivities>(LOOKUP_OPTIONS);

/** The longest pause after steps failed permanently; the first is that of every workflow. */
const LONGEST_RETRY_MS = 6 * 3_600_000;

/** What one run of a refund's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class RefundLifecycle extends Lifecycle<RefundFacts, RefundDue> {
  readonly refundId: string;
  readonly policy: RefundPolicy;
  /** Why it was not begun. */
  refusal: RefundRefusal | undefined;
  /** The dispute of its payment, until every part that can be canceled is. */
  disputeId: string | undefined;
  isUnknown = false;
  /** Looks at the provider fail permanently. */
  isUnreadable = false;
  /** Made elsewhere, and does not fit into our ledger. */
  isMismatched = false;
  /** A person has resolved a refund that is not in our ledger. */
  isResolvedByHand = false;
  readonly exceptions: OrderExceptions;
  private looks = 0;
  private sinceMs = Date.now();
  private lookedAtMs = this.sinceMs;
  private sendAtMs = 0;
  private readonly retry = new Backoff(RETRY_MS, LONGEST_RETRY_MS);
  private overdueRaised = false;
  private readonly signals = new Set<Promise<unknown>>();

  constructor(input: RefundInput) {
    const refundId = 'request' in input ? input.request.refundId : 'adopt' in input ? input.adopt : input.resume;
    super(`refund ${refundId}`, 'beginning');
    this.refundId = refundId;
    this.policy = input.policy ?? DEFAULT_REFUND_POLICY;
    this.exceptions = new OrderExceptions(() => this.known?.orderId ?? ('adopt' in input ? input.orderId : undefined));
  }

  get isOver(): boolean {
    return this.isDone && this.signals.size === 0;
  }

  /** As `isOver`, where the order's workflow may still have to be signalled. */
  get isDone(): boolean {
    return isRefundOver(this.facts, this.lookedAtMs) && !this.wantsTurn;
  }

  override get wantsTurn(): boolean {
    // A command in work is waited for: its result is shown once, at its end.
    return this.isHinted || this.disputeId !== undefined || !this.queue.idle;
  }

  /** The input of every step: which refund, this workflow's clock, and how long the refund is watched. */
  get now(): { readonly refundId: string; readonly now: string; readonly watchMs: number } {
    return { refundId: this.refundId, now: iso(Date.now()), watchMs: this.policy.watchMs };
  }

  /** Keeps the refund as a step left it; the order's workflow is signalled where the order is not done. */
  set({ refund, tell }: RefundChange): void {
    if (JSON.stringify(refund) !== JSON.stringify(this.known)) {
      this.looks = 0;
      this.sinceMs = Date.now();
    }
    this.keep(refund);
    if (tell) this.signalOrder(refund.orderId);
  }

  due(): RefundDue | undefined {
    const { looks, sinceMs, lookedAtMs, sendAtMs, overdueRaised, notBeforeMs } = this;
    const memory = { looks, sinceMs, lookedAtMs, sendAtMs, overdueRaised, notBeforeMs };
    return nextRefundDue(this.facts, memory, this.policy.watchMs);
  }

  /** After a look: the next one comes later, and soon where something has changed (call `set` after this). */
  looked(): void {
    this.looks += 1;
    this.lookedAtMs = Date.now();
    this.recovered();
  }

  /** A step worked: what failed before is forgotten. */
  recovered(): void {
    this.notBeforeMs = 0;
    this.retry.restart();
    this.version += 1;
  }

  /** What failed is tried again at once. */
  retryNow(): void {
    this.recovered();
    this.sendAtMs = 0;
    this.isHinted = true;
  }

  overdue(): void {
    this.overdueRaised = true;
  }

  /** Longer each time. */
  override pause(kind?: RefundDue['kind']): void {
    super.pause(kind, this.retry.ms);
    this.sendAtMs = this.notBeforeMs;
    this.retry.lengthen();
    this.version += 1;
  }

  /** Resolves once every signal to the order's workflow was sent. */
  async signalled(): Promise<void> {
    await Promise.all(this.signals);
  }

  answer(): RefundAccepted {
    const { refundId, orderId, state, amount, currency, parts } = this.facts;
    return { accepted: true, refundId, orderId, state, amount, currency, parts };
  }

  status(): RefundStatus {
    const { known, refundId, step, waiting } = this;
    return { refundId, state: known?.state ?? null, step, waiting };
  }

  override publish(): void {
    if (this.exists) return super.publish();
    const value = this.isMismatched ? 'refund_mismatch' : null;
    if (value !== null || this.shown !== '') this.upsert([{ key: searchAttributes.exceptionKind, value }]);
  }

  protected show(refund: RefundFacts): Shown {
    return {
      waiting: refundWaiting(refund),
      exceptionKind: this.exceptionKind(refund),
      attributes: [{ key: searchAttributes.orderId, value: refund.orderId }],
      details: details(refund),
    };
  }

  private exceptionKind(refund: RefundFacts): ExceptionKind | undefined {
    if (needsPerson(refund)) return 'refund_failed';
    if (refund.state === 'requires_action') return 'refund_action_needed';
    if (this.isUnreadable || (this.isUnknown && refund.parts.some((part) => part.status === 'begun')))
      return 'refund_unknown';
    return this.overdueRaised && isInProgress(refund) ? 'refund_overdue' : undefined;
  }

  /** Has the order's workflow look at its record. */
  signalOrder(orderId: string): void {
    const signal = signalIfRunning(workflowIds.order(orderId), orderChanged).finally(() => this.signals.delete(signal));
    this.signals.add(signal);
  }
}

/** Sends one part to the provider. The Temporal UI shows the summaries of these activities. */
export function sendPart(
  { now, facts: refund }: RefundLifecycle,
  { part, amount, paymentIntentId }: RefundPart,
): Promise<RefundChange> {
  const money = formatMoney({ amount, currency: refund.currency });
  const summary = `Refund ${money} of ${paymentIntentId}`;
  return sending.sendRefund.executeWithOptions({ ...MONEY_OPTIONS, summary }, [{ ...now, part }]);
}

/** Fetches the refund from the provider. */
export function lookAt({ now, refundId }: RefundLifecycle): Promise<RefundChange> {
  const summary = `Ask Stripe about refund ${refundId}`;
  return looking.syncRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]);
}

/** Cancels at the provider what waits for the customer. */
export function cancelAtProvider({ now, refundId }: RefundLifecycle): Promise<RefundChange> {
  const summary = `Cancel refund ${refundId} at Stripe`;
  return looking.cancelRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]);
}

/** Records a refund that was made elsewhere in our ledger. */
export function adoptRefund({ now, policy }: RefundLifecycle, providerRefundId: string): Promise<AdoptRefundResult> {
  const summary = `Record refund ${providerRefundId}, made elsewhere`;
  const input = { providerRefundId, now: now.now, policy };
  return looking.adoptRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [input]);
}

/** What the Temporal UI shows of a refund, in markdown. */
function details(refund: RefundFacts): string[] {
  const { refundId, orderId, state, amount, currency, parts } = refund;
  const money = (value: number): string => formatMoney({ amount: value, currency });
  return [
    `**Refund ${refundId}** of **${money(amount)}** for order ${orderId} is **${state}**.`,
    waitingLine(refundWaiting(refund)),
    ...parts.map(
      (part) =>
        `${part.part}. ${money(part.amount)} of ${part.paymentIntentId}: ${part.status}${part.providerRefundId === undefined ? '' : ` (${part.providerRefundId})`}${part.failureReason === undefined ? '' : `, ${part.failureReason}`}`,
    ),
    needsPerson(refund)
      ? `Ways out, as update \`resolve\` of ${workflowInfo().workflowId}: another_refund, manual_transfer, dismiss.`
      : '',
  ];
}
