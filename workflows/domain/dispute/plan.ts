import { EXPIRY_CHECK_DELAY_MS, iso } from '../shared/deadlines';
import { isOpen, isSettled, isUndecided } from './dispute';
import type { DisputeDecision, DisputeRecord } from './dispute';
import type { Waiting } from '../shared/waiting';

/** What a shop decides for its disputes. Durations in milliseconds. */
export interface DisputePolicy {
  /** A person is told this long before the provider's deadline. */
  readonly warnMs: readonly number[];
  /** Where nobody has decided, the policy does, this long before the deadline. */
  readonly submitMarginMs: number;
  /** `submit`: the evidence that was collected is sent. `leave`: nothing is, and the dispute is lost by silence. */
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

/** Banks decide within 60 to 75 days, and few take over 100: after this somebody must ask. Source: Stripe, "How disputes work". */
export const REVIEW_LIMIT_MS = 120 * DAY_MS;
/** Money that was won is reinstated with the decision, or some days after it. */
export const REINSTATEMENT_LIMIT_MS = 14 * DAY_MS;
/** Where the bank takes no answer, or the shop gives none, a dispute is closed soon after the deadline. */
const CLOSING_LIMIT_MS = 14 * DAY_MS;

/** A round shorter than the margins is acted on at three quarters of what was left of it, as a short hold is. */
const ACT_SHARE = 1 / 4;

/** One warning of a round. */
export interface DisputeWarning {
  /** Milliseconds before the deadline that it stands for. */
  readonly beforeMs: number;
  readonly at: string;
  /** Passed when the round was first heard of: what opened it tells the deadline, so no notice repeats it. */
  readonly isSilent: boolean;
}

/** When a round is warned of, acted on and looked at. ISO strings. */
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

/** What a dispute's workflow does by itself next, and when. `then` is shown beside the timer. */
export interface DisputeDue {
  readonly kind:
    | 'carry_out' // a decision that the provider has not taken yet
    | 'collect' // no evidence was put together in this round
    | 'warn'
    | 'decide' // nobody has: the policy does
    | 'overdue' // who was waited for did nothing in the time that was named
    | 'look'; // webhooks may have been lost
  readonly atMs: number;
  readonly then: string;
}

/** What only the running workflow knows. */
export interface DisputeDueContext {
  /** Steps that failed are not tried before this. */
  readonly notBeforeMs: number;
  /** Nor the collecting: one that fails must not keep the decision from its time. */
  readonly collectAtMs: number;
  /** When the provider is asked next, and when it was asked last. */
  readonly pollAtMs: number;
  readonly lookedAtMs: number;
}

/** The next thing to do; undefined where nothing more is to come. Pure; table-tested. */
export function nextDisputeDue(
  dispute: DisputeRecord,
  policy: DisputePolicy,
  context: DisputeDueContext,
): DisputeDue | undefined {
  if (isSettled(dispute)) return undefined;
  const { notBeforeMs } = context;
  const own = [...decisionDue(dispute, policy, context), ...overdue(dispute)];
  // At the same moment the provider is asked first: it may have closed what was to be decided.
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
  // First, so that nothing which fails at the same moment keeps the decision from its time.
  if (decision === undefined && policy.onDeadline === 'submit') {
    const then = 'send the collected evidence unless somebody has decided';
    due.push({ kind: 'decide', atMs: Date.parse(actAt), then });
  }
  if (decision === undefined && policy.onDeadline === 'leave') {
    due.push({ kind: 'decide', atMs: Date.parse(checkAt), then: 'leave it to the bank' });
  }
  const next = warnings.find((one) => !warnedMs.includes(one.beforeMs));
  if (next !== undefined) {
    due.push({ kind: 'warn', atMs: Date.parse(next.at), then: 'tell a person that the deadline is near' });
  }
  if (evidenceCollectedAt === undefined) {
    due.push({ kind: 'collect', atMs: context.collectAtMs, then: 'collect the evidence' });
  }
  return due;
}

/** Was something decided that the provider has neither taken nor refused? */
export function isPending({ stage, decision }: Pick<DisputeRecord, 'stage' | 'decision'>): boolean {
  if (stage !== 'evidence_due' || decision === undefined || decision.action === 'leave') return false;
  return decision.doneAt === undefined && decision.refused === undefined;
}

/** Was an answer refused that was given after the deadline? No other one would be taken. */
function cameTooLate({ decision, dueBy }: { readonly decision?: DisputeDecision; readonly dueBy: string }): boolean {
  return decision?.refused !== undefined && Date.parse(decision.at) >= Date.parse(dueBy);
}

function overdue(dispute: DisputeRecord): DisputeDue[] {
  const waiting = disputeWaiting(dispute);
  if (waiting === undefined || dispute.exceptions.some((one) => one.kind === 'dispute_unsettled')) return [];
  const isAsked = waiting.on === 'approver';
  // Where nobody has decided, the policy does. After a refusal it does not, and the bank closes the dispute.
  if (isAsked && dispute.decision === undefined) return [];
  const atMs = Date.parse(waiting.until) + (isAsked ? closingLimitMs(dispute) : 0);
  return [{ kind: 'overdue', atMs, then: `tell a person: ${waiting.why}` }];
}

/** A bank may make a dispute of an unanswered inquiry for as long as it may open one. */
function closingLimitMs({ isInquiry }: Pick<DisputeRecord, 'isInquiry'>): number {
  return isInquiry ? REVIEW_LIMIT_MS : CLOSING_LIMIT_MS;
}

function looks(dispute: DisputeRecord, policy: DisputePolicy, context: DisputeDueContext): DisputeDue[] {
  const look = (atMs: number): DisputeDue => ({ kind: 'look', atMs, then: 'ask Stripe how the dispute stands' });
  const poll = look(context.pollAtMs);
  if (dispute.stage !== 'evidence_due' || dispute.dueBy === undefined) return [poll];
  const checkMs = Date.parse(disputePlan({ ...dispute, dueBy: dispute.dueBy }, policy).checkAt);
  return context.lookedAtMs < checkMs ? [poll, look(checkMs)] : [poll];
}

/** The warnings that are due by now and were not given. */
export function dueWarnings(dispute: DisputeRecord, policy: DisputePolicy, nowMs: number): DisputeWarning[] {
  if (!isUndecided(dispute)) return [];
  const { warnings } = disputePlan(dispute, policy);
  return warnings.filter((one) => !dispute.warnedMs.includes(one.beforeMs) && Date.parse(one.at) <= nowMs);
}

/** Whom a dispute waits for; undefined where nothing more is to come. Pure: Postgres, search attributes and details agree. */
export function disputeWaiting(
  dispute: Pick<
    DisputeRecord,
    'stage' | 'withdrawn' | 'dueBy' | 'decision' | 'submittedAt' | 'roundBeganAt' | 'closedAt' | 'isInquiry'
  >,
): Waiting | undefined {
  if (isSettled(dispute)) return undefined;
  const { dueBy, submittedAt, roundBeganAt, closedAt, decision } = dispute;
  const after = (at: string, ms: number): string => iso(Date.parse(at) + ms);
  if (!isOpen(dispute)) {
    const until = after(closedAt ?? roundBeganAt, REINSTATEMENT_LIMIT_MS);
    return { on: 'provider', until, why: 'the money that was won is to be given back' };
  }
  if (isUndecided(dispute) && !cameTooLate(dispute)) {
    const what = dispute.isInquiry ? 'inquiry' : 'dispute';
    const again = decision?.refused === undefined ? '' : '; what was sent was refused';
    const why = `the ${what} is to be answered with evidence, or accepted${again}`;
    return { on: 'approver', until: dispute.dueBy, why };
  }
  if (isPending(dispute) && dueBy !== undefined) {
    return { on: 'provider', until: dueBy, why: `the decision (${decision?.action ?? ''}) is being carried out` };
  }
  if (submittedAt === undefined && dispute.stage === 'evidence_due') {
    const until = after(dueBy ?? roundBeganAt, closingLimitMs(dispute));
    return { on: 'provider', until, why: 'unanswered: the bank closes it' };
  }
  return { on: 'provider', until: after(submittedAt ?? roundBeganAt, REVIEW_LIMIT_MS), why: 'the bank is deciding' };
}
