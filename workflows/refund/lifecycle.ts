import {
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  proxyLocalActivities,
  workflowInfo,
} from '@temporalio/workflow';
import { LOOKUP_OPTIONS, MONEY_OPTIONS, STORAGE_OPTIONS } from '../kit/activity-options';
import { iso } from '../domain/shared/deadlines';
import { formatMoney } from '../domain/shared/money';
import type { ExceptionKind } from '../domain/exception/exception';
import {
  DEFAULT_REFUND_POLICY,
  isUnsettled,
  type RefundFacts,
  type RefundPart,
  type RefundPolicy,
} from '../domain/refund/refund';
import { isRefundOver, needsPerson, nextRefundDue, refundWaiting, type RefundDue } from '../domain/refund/look';
import { orderChanged } from '../order/messages';
import { workflowIds } from '../kit/names';
import { type ResolveCommand } from '../kit/messages';
import type { OrderActivities } from '../order/ports';
import type { RefundAccepted, RefundInput, RefundRefusal, RefundStatus } from './messages';
import type { AdoptRefundResult, RefundActivities, RefundChange, RefundProviderActivities } from './ports';
import { Decisions } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';
import { Lifecycle, waitingLine, type Shown } from '../kit/lifecycle';

export const records = proxyLocalActivities<RefundActivities & OrderActivities>(STORAGE_OPTIONS);
const sending = proxyActivities<RefundProviderActivities>(MONEY_OPTIONS);
const looking = proxyActivities<RefundProviderActivities>(LOOKUP_OPTIONS);

/** First and longest pause after a step failed for good: an outage passes, a person has time to look. */
const FIRST_RETRY_MS = 10 * 60_000;
const LONGEST_RETRY_MS = 6 * 3_600_000;

/** What one run of a refund's workflow holds in memory; all facts are in Postgres and come back from every step. */
export class RefundLifecycle extends Lifecycle<RefundFacts, RefundDue> {
  readonly refundId: string;
  readonly policy: RefundPolicy;
  /** Why it was not begun. */
  refusal: RefundRefusal | undefined;
  /** The dispute whose bank decides now, until what can be taken back is. */
  disputeId: string | undefined;
  isUnknown = false;
  /** Looks at the provider fail for good. */
  isUnreadable = false;
  /** Made elsewhere, and not in our ledger. */
  isMismatched = false;
  /** A person has settled what is not in our ledger. */
  isSettledByHand = false;
  readonly decisions = new Decisions((command) => this.decided(command));
  private looks = 0;
  private sinceMs = Date.now();
  private lookedAtMs = this.sinceMs;
  private sendAtMs = 0;
  private notBeforeMs = 0;
  private retryMs = FIRST_RETRY_MS;
  private overdueTold = false;
  private readonly tells = new Set<Promise<unknown>>();

  constructor(input: RefundInput) {
    const refundId = 'request' in input ? input.request.refundId : 'adopt' in input ? input.adopt : input.resume;
    super(`refund ${refundId}`, 'beginning');
    this.refundId = refundId;
    this.policy = input.policy ?? DEFAULT_REFUND_POLICY;
  }

  get isOver(): boolean {
    return this.isDone && this.tells.size === 0;
  }

  /** As `isOver`, where the order's workflow may still have to be signalled. */
  get isDone(): boolean {
    return isRefundOver(this.facts, this.lookedAtMs) && !this.wantsTurn;
  }

  override get wantsTurn(): boolean {
    // A command that is under way is waited for: what it comes to is shown once, at its end.
    return this.isHinted || this.disputeId !== undefined || !this.queue.idle;
  }

  /** For every step: which refund, when, and how long it is watched. */
  get now(): { readonly refundId: string; readonly now: string; readonly watchMs: number } {
    return { refundId: this.refundId, now: iso(Date.now()), watchMs: this.policy.watchMs };
  }

  /** Takes over what a step made of the refund; the order's workflow is told where the order is not done. */
  set({ refund, tell }: RefundChange): void {
    if (JSON.stringify(refund) !== JSON.stringify(this.known)) {
      this.looks = 0;
      this.sinceMs = Date.now();
    }
    this.keep(refund);
    if (tell) this.tell(refund.orderId);
  }

  due(): RefundDue | undefined {
    const { looks, sinceMs, lookedAtMs, sendAtMs, overdueTold, notBeforeMs } = this;
    const memory = { looks, sinceMs, lookedAtMs, sendAtMs, overdueTold, notBeforeMs };
    return nextRefundDue(this.facts, memory, this.policy.watchMs);
  }

  /** It was looked, whatever was found: the next look comes later, and soon where something had changed (`set` after this). */
  looked(): void {
    this.looks += 1;
    this.lookedAtMs = Date.now();
    this.recovered();
  }

  /** A step worked: what failed before is forgotten. */
  recovered(): void {
    this.notBeforeMs = 0;
    this.retryMs = FIRST_RETRY_MS;
    this.version += 1;
  }

  /** What failed is tried again at once. */
  retryNow(): void {
    this.recovered();
    this.sendAtMs = 0;
    this.isHinted = true;
  }

  /** Writes down what a person decided on an exception of this refund. */
  async decided(command: ResolveCommand): Promise<void> {
    await records.decideException({ workflowId: workflowInfo().workflowId, ...command });
  }

  overdue(): void {
    this.overdueTold = true;
  }

  /** Keeps automatic steps still after one failed, longer each time. */
  pause(): void {
    this.notBeforeMs = Date.now() + this.retryMs;
    this.sendAtMs = this.notBeforeMs;
    this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
    this.version += 1;
  }

  /** Resolves once the order's workflow was told of everything. */
  async told(): Promise<void> {
    await Promise.all(this.tells);
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
    return this.overdueTold && isUnsettled(refund) ? 'refund_overdue' : undefined;
  }

  /** For a change that is no step on the refund itself. */
  tell(orderId: string): void {
    const told = tellOrder(orderId).finally(() => this.tells.delete(told));
    this.tells.add(told);
  }
}

/** Asks for one part at the provider. The summaries of these are what the Temporal UI shows. */
export function sendPart(
  { now, facts: refund }: RefundLifecycle,
  { part, amount, paymentIntentId }: RefundPart,
): Promise<RefundChange> {
  const money = formatMoney({ amount, currency: refund.currency });
  const summary = `Refund ${money} of ${paymentIntentId}`;
  return sending.sendRefund.executeWithOptions({ ...MONEY_OPTIONS, summary }, [{ ...now, part }]);
}

/** How the provider has it now. */
export function lookAt({ now, refundId }: RefundLifecycle): Promise<RefundChange> {
  const summary = `Ask Stripe about refund ${refundId}`;
  return looking.syncRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]);
}

/** Takes back at the provider what waits for the customer. */
export function cancelAtProvider({ now, refundId }: RefundLifecycle): Promise<RefundChange> {
  const summary = `Cancel refund ${refundId} at Stripe`;
  return looking.cancelRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [now]);
}

/** Takes a refund that was made elsewhere into our ledger. */
export function adoptMadeElsewhere(
  { now, policy }: RefundLifecycle,
  providerRefundId: string,
): Promise<AdoptRefundResult> {
  const summary = `Take in refund ${providerRefundId}, made elsewhere`;
  const input = { providerRefundId, now: now.now, policy };
  return looking.adoptRefund.executeWithOptions({ ...LOOKUP_OPTIONS, summary }, [input]);
}

/** Tells the order's workflow to look at its record; one that has ended needs no telling. */
async function tellOrder(orderId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowIds.order(orderId)).signal(orderChanged);
  } catch (error) {
    log.debug('the order was not told of its refund', { orderId, error: String(error) });
  }
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
