import { EXPIRY_CHECK_DELAY_MS, iso } from '../shared/deadlines';
import { isOpen, isDisputeOver, isUndecided } from './dispute';
import type { DisputeDecision, DisputeRecord } from './dispute';
import type { Waiting } from '../shared/waiting';

/** What a shop decides for its disputes. Durations in milliseconds. */
export interface DisputePolicy {
  /** The shop is warned this long before the provider's deadline. */
  readonly warnMs: readonly number[];
  /** If nobody has decided, the policy decides this long before the deadline. */
  readonly submitMarginMs: number;
  /** `submit`: send the collected evidence. `leave`: send nothing and lose the dispute. */
  readonly onDeadline: 'submit' | 'leave';
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_DISPUTE_POLICY: DisputePolicy = {
  warnMs: [72 * HOUR_MS, 24 * HOUR_MS],
  // Long enough for an outage of the provider or of ours to pass, short enough that a person has the last day.
  submitMarginMs: 2 * HOUR_MS,
  onDeadline: 'submit',
};

/** Banks decide within 60 to 75 days, and few take over 100: after this time a person must ask. Source: Stripe, "How disputes work". */
export const REVIEW_LIMIT_MS = 120 * DAY_MS;
/** Money that was won is reinstated with the decision, or some days after it. */
export const REINSTATEMENT_LIMIT_MS = 14 * DAY_MS;
/** A dispute that was not answered is closed soon after the deadline. */
const CLOSING_LIMIT_MS = 14 * DAY_MS;

/** In a round that is shorter than the margin, the policy decides at three quarters of its time, like for a short hold. */
const ACT_SHARE = 1 / 4;

/** One warning of a round. */
export interface DisputeWarning {
  /** Milliseconds before the deadline. */
  readonly beforeMs: number;
  readonly at: string;
  /** Its time had passed when the round was first seen: the notice that opened the round has the deadline, so no other repeats it. */
  readonly isSilent: boolean;
}

/** When to warn about a round, decide it and look at it. ISO strings. */
export interface DisputePlan {
  /** Earliest first. */
  readonly warnings: readonly DisputeWarning[];
  /** When the policy decides. */
  readonly actAt: string;
  /** When to look whether the provider has closed it. */
  readonly checkAt: string;
}

/** The plan for one round under a policy. Pure; the deadline is always the provider's. */
export function disputePlan(
  { roundBeganAt, dueBy }: { readonly roundBeganAt: string; readonly dueBy: string },
  { warnMs, submitMarginMs }: Pick<DisputePolicy, 'warnMs' | 'submitMarginMs'>,
): DisputePlan {
  const beganMs = Date.parse(roundBeganAt);
  const dueMs = Date.parse(dueBy);
  const lifeMs = Math.max(0, dueMs - beganMs);
  const warnings = [...warnMs]
    .sort((one, other) => other - one)
    .map((beforeMs) => {
      const atMs = Math.max(beganMs, dueMs - beforeMs);
      return { beforeMs, at: iso(atMs), isSilent: dueMs - beforeMs <= beganMs };
    });
  return {
    warnings,
    actAt: iso(dueMs - Math.min(submitMarginMs, lifeMs * ACT_SHARE)),
    checkAt: iso(dueMs + EXPIRY_CHECK_DELAY_MS),
  };
}

/** The next automatic step of a dispute's workflow, and when. `then` is shown beside the timer. */
export interface DisputeDue {
  readonly kind:
    | 'carry_out' // a decision that the provider has not accepted yet
    | 'collect' // no evidence was collected in this round
    | 'warn'
    | 'decide' // nobody has decided, so the policy does
    | 'overdue' // the party that it waits for did not act in time
    | 'look'; // webhooks may have been lost
  readonly atMs: number;
  readonly then: string;
}

/** What only the running workflow knows. */
export interface DisputeDueContext {
  /** Steps that failed are not tried before this. */
  readonly notBeforeMs: number;
  /** Collecting evidence is not tried before this; a separate time, so that its failures do not delay the decision. */
  readonly collectAtMs: number;
  /** The next and the last look at the provider. */
  readonly pollAtMs: number;
  readonly lookedAtMs: number;
}

/** The next automatic step; undefined if the dispute is over. Pure; table-tested. */
export function nextDisputeDue(
  dispute: DisputeRecord,
  policy: DisputePolicy,
  context: DisputeDueContext,
): DisputeDue | undefined {
  if (isDisputeOver(dispute)) return undefined;
  const { notBeforeMs } = context;
  const own = [...decisionDue(dispute, policy, context), ...overdue(dispute)];
  // At the same moment the look comes first, because the provider may have closed the dispute.
  const steps = [
    ...looks(dispute, policy, context),
    ...own.map((one) => ({ ...one, atMs: Math.max(one.atMs, notBeforeMs) })),
  ];
  return steps.reduce((first, one) => (one.atMs < first.atMs ? one : first));
}

function decisionDue(dispute: DisputeRecord, policy: DisputePolicy, context: DisputeDueContext): DisputeDue[] {
  const { decision, evidenceCollectedAt, warnedMs } = dispute;
  if (isPending(dispute)) return [{ kind: 'carry_out', atMs: 0, then: `${decision?.action ?? ''} as decided` }];
  if (!isUndecided(dispute)) return [];
  const { warnings, actAt, checkAt } = disputePlan(dispute, policy);
  const due: DisputeDue[] = [];
  // First, so that another step which fails at the same moment does not delay the decision.
  if (decision === undefined && policy.onDeadline === 'submit') {
    const then = 'send the collected evidence unless somebody has decided';
    due.push({ kind: 'decide', atMs: Date.parse(actAt), then });
  }
  if (decision === undefined && policy.onDeadline === 'leave') {
    due.push({ kind: 'decide', atMs: Date.parse(checkAt), then: 'leave it to the bank' });
  }
  const next = warnings.find((one) => !warnedMs.includes(one.beforeMs));
  if (next !== undefined) {
    due.push({ kind: 'warn', atMs: Date.parse(next.at), then: 'warn the shop that the deadline is near' });
  }
  if (evidenceCollectedAt === undefined) {
    due.push({ kind: 'collect', atMs: context.collectAtMs, then: 'collect the evidence' });
  }
  return due;
}

/** Is there a decision that the provider has neither accepted nor refused? */
export function isPending({ stage, decision }: Pick<DisputeRecord, 'stage' | 'decision'>): boolean {
  if (stage !== 'evidence_due' || decision === undefined || decision.action === 'leave') return false;
  return decision.doneAt === undefined && decision.refused === undefined;
}

/** Was an answer after the deadline refused? Then no other one would be accepted. */
function cameTooLate({ decision, dueBy }: { readonly decision?: DisputeDecision; readonly dueBy: string }): boolean {
  return decision?.refused !== undefined && Date.parse(decision.at) >= Date.parse(dueBy);
}

function overdue(dispute: DisputeRecord): DisputeDue[] {
  const waiting = disputeWaiting(dispute);
  if (waiting === undefined || dispute.exceptions.some((one) => one.kind === 'dispute_unsettled')) return [];
  const isAsked = waiting.on === 'approver';
  // If nobody has decided, the policy does. After a refusal it does not, and the bank closes the dispute.
  if (isAsked && dispute.decision === undefined) return [];
  const atMs = Date.parse(waiting.until) + (isAsked ? closingLimitMs(dispute) : 0);
  return [{ kind: 'overdue', atMs, then: `open an exception: ${waiting.why}` }];
}

/** A bank may turn an unanswered inquiry into a dispute for a long time. */
function closingLimitMs({ isInquiry }: Pick<DisputeRecord, 'isInquiry'>): number {
  return isInquiry ? REVIEW_LIMIT_MS : CLOSING_LIMIT_MS;
}

function looks(dispute: DisputeRecord, policy: DisputePolicy, context: DisputeDueContext): DisputeDue[] {
  const look = (atMs: number): DisputeDue => ({ kind: 'look', atMs, then: 'ask Stripe for the state of the dispute' });
  const poll = look(context.pollAtMs);
  if (dispute.stage !== 'evidence_due' || dispute.dueBy === undefined) return [poll];
  const checkMs = Date.parse(disputePlan({ ...dispute, dueBy: dispute.dueBy }, policy).checkAt);
  return context.lookedAtMs < checkMs ? [poll, look(checkMs)] : [poll];
}

/** The warnings that are due and not given yet. */
export function dueWarnings(dispute: DisputeRecord, policy: DisputePolicy, nowMs: number): DisputeWarning[] {
  if (!isUndecided(dispute)) return [];
  const { warnings } = disputePlan(dispute, policy);
  return warnings.filter((one) => !dispute.warnedMs.includes(one.beforeMs) && Date.parse(one.at) <= nowMs);
}

/** Whom a dispute waits for; undefined if it is over. Pure, so that Postgres, search attributes and details agree. */
export function disputeWaiting(
  dispute: Pick<
    DisputeRecord,
    'stage' | 'withdrawn' | 'dueBy' | 'decision' | 'submittedAt' | 'roundBeganAt' | 'closedAt' | 'isInquiry'
  >,
): Waiting | undefined {
  if (isDisputeOver(dispute)) return undefined;
  const { dueBy, submittedAt, roundBeganAt, closedAt, decision } = dispute;
  const after = (at: string, ms: number): string => iso(Date.parse(at) + ms);
  if (!isOpen(dispute)) {
    const until = after(closedAt ?? roundBeganAt, REINSTATEMENT_LIMIT_MS);
    return { on: 'provider', until, why: 'the dispute was won; its money is not reinstated yet' };
  }
  if (isUndecided(dispute) && !cameTooLate(dispute)) {
    const what = dispute.isInquiry ? 'inquiry' : 'dispute';
    const again = decision?.refused === undefined ? '' : '; the last answer was refused';
    const why = `the ${what} must be answered with evidence, or accepted${again}`;
    return { on: 'approver', until: dispute.dueBy, why };
  }
  if (isPending(dispute) && dueBy !== undefined) {
    return { on: 'provider', until: dueBy, why: `the decision (${decision?.action ?? ''}) is being carried out` };
  }
  if (submittedAt === undefined && dispute.stage === 'evidence_due') {
    const until = after(dueBy ?? roundBeganAt, closingLimitMs(dispute));
    return { on: 'provider', until, why: 'it was not answered; the bank will close it' };
  }
  return { on: 'provider', until: after(submittedAt ?? roundBeganAt, REVIEW_LIMIT_MS), why: 'the bank is deciding' };
}
