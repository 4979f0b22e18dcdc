import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  log,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { iso } from '../domain/shared/deadlines';
import type { ResolutionAction } from '../domain/exception/actions';
import { isSameRequest } from '../domain/refund/refund';
import type { RefundDue } from '../domain/refund/look';
import { OUTCOME_UNKNOWN, refusal } from '../kit/answers';
import { isLasting } from '../kit/failures';
import { live } from '../kit/lifecycle';
import { resolveRaised, type ResolveCommand } from '../kit/messages';
import { type CommandAnswer } from '../domain/order/commands';
import { cancel, resolve, yieldToDispute } from './commands';
import { adopt } from './adoption';
import { lookAt, records, RefundLifecycle, sendPart } from './lifecycle';
import {
  cancelRefund,
  getRefundStatus,
  refundChanged,
  refundDisputed,
  requestRefund,
  resolveFailedRefund,
  type RefundAnswer,
  type RefundCommandAnswer,
  type RefundInput,
  type RefundRefusal,
} from './messages';
import type { RefundRequest } from '../domain/refund/request';
import { insist } from '../kit/saga';
import { versioned } from '../kit/versioning';

/*
 * One refund, from its request until it can no longer fail: reserved in our ledger, sent to the provider, confirmed by a webhook
 * or by a look, then watched for weeks, asleep. What fails becomes a person's case.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), refund);

/** How a refund ended: its last state, or why there was none. */
export interface RefundEnd {
  readonly refundId: string;
  readonly state: string;
}

export async function refund(input: RefundInput): Promise<RefundEnd> {
  const life = new RefundLifecycle(input);
  setUp(life);
  return CancellationScope.nonCancellable(() => run(life, input));
}

async function run(life: RefundLifecycle, input: RefundInput): Promise<RefundEnd> {
  life.refusal = await begin(life, input);
  life.loaded = true;
  if (life.exists) {
    await live(life, {
      // Hazard: a signal to the order's workflow that is still under way at the end would be lost.
      beforeWaiting: async () => void (life.isDone && (await life.signalled())),
      act: (due) => act(life, due),
      // A lasting failure is a person's case, whatever the step was.
      failed: async (error, due) => {
        if (due?.kind === 'send' || (isLasting(error) && life.exists)) await raiseUnknown(life);
      },
      continueAnew: () => startAnew(life),
    });
  }
  await life.signalled();
  await condition(allHandlersFinished);
  life.publish();
  return { refundId: life.refundId, state: life.exists ? life.facts.state : (life.refusal?.reason ?? 'not_ours') };
}

/** Handlers come first: a request comes with the start, before anything is recorded. */
function setUp(life: RefundLifecycle): void {
  setHandler(requestRefund, async (request) => {
    await condition(() => life.loaded);
    return answerRequest(life, request);
  });
  setHandler(resolveFailedRefund, (command) => inTurn(life, () => resolve(life, command)));
  setHandler(cancelRefund, (command) => inTurn(life, () => cancel(life, command)));
  setHandler(resolveRaised, (command) => resolveByPerson(life, command));
  setHandler(refundChanged, () => life.hint());
  setHandler(refundDisputed, ({ disputeId }) => {
    life.disputeId = disputeId;
  });
  setHandler(getRefundStatus, () => life.status());
  // An operator's cancel in the Temporal UI is a cancel of the refund, with the same rules.
  void CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(() => inTurn(life, () => cancel(life, { actor: 'operator' }))),
  );
}

function answerRequest(life: RefundLifecycle, request: RefundRequest): RefundAnswer {
  if (life.exists && !isSameRequest(life.facts, request)) {
    const message = `Refund ${life.refundId} was asked for with other contents before.`;
    return { accepted: false, reason: 'refund_id_used', message, refundable: 0 };
  }
  if (life.refusal !== undefined) return life.refusal;
  if (life.exists) return life.answer();
  const message = `Refund ${life.refundId} is not one that was asked for here.`;
  return { accepted: false, reason: 'refund_id_used', message, refundable: 0 };
}

/** Records what is asked for or was made elsewhere, or loads what is recorded already. */
async function begin(life: RefundLifecycle, input: RefundInput): Promise<RefundRefusal | undefined> {
  if ('request' in input) return ask(life, input.request);
  if ('adopt' in input) await adopt(life, input);
  else {
    const found = await insistOn(life, 'load the refund', () => records.loadRefund({ refundId: input.resume }));
    if (found !== null) life.set({ refund: found, tell: false });
  }
  return undefined;
}

async function ask(life: RefundLifecycle, request: RefundRequest): Promise<RefundRefusal | undefined> {
  const { policy } = life;
  const begun = await insistOn(life, 'record the refund', () =>
    records.beginRefund({ request, policy, now: iso(Date.now()) }),
  );
  if (begun.outcome !== 'refused') {
    life.set(begun);
    return undefined;
  }
  if (begun.given !== undefined) life.set(begun.given);
  const { outcome: _, given: _given, ...why } = begun;
  return { accepted: false, ...why };
}

/** What a refund does by itself, and after a hint. */
async function act(life: RefundLifecycle, due: RefundDue | undefined): Promise<void> {
  if (life.disputeId !== undefined) {
    await yieldToDispute(life);
    life.disputeId = undefined;
  } else if (life.isHinted) {
    life.isHinted = false;
    await look(life);
  } else if (due !== undefined) {
    await actOn(life, due.kind);
  }
}

async function actOn(life: RefundLifecycle, kind: RefundDue['kind']): Promise<void> {
  life.step = kind;
  switch (kind) {
    case 'begin':
      return beginAgain(life);
    case 'give_up':
      return life.set(await records.withdrawRefund({ ...life.now, reason: 'capture_unknown', actor: 'holdfast' }));
    case 'send':
      return send(life);
    case 'overdue':
      return raiseOverdue(life);
    case 'sync':
      return look(life);
  }
}

/** Is the outcome of the capture known by now? Then the refund goes on, or is withdrawn with the reason. */
async function beginAgain(life: RefundLifecycle): Promise<void> {
  const { refundId, orderId, lines, reason, actor, amount } = life.facts;
  const what = lines === undefined ? { amount } : { lines };
  const request: RefundRequest = { refundId, orderId, ...what, reason, actor };
  life.looked();
  await ask(life, request);
}

/** Sends each part in turn; the activity itself looks up a part of unknown outcome. */
async function send(life: RefundLifecycle): Promise<void> {
  for (const part of life.facts.parts.filter((one) => one.status === 'begun')) life.set(await sendPart(life, part));
  life.recovered();
}

async function look(life: RefundLifecycle): Promise<void> {
  if (life.facts.state === 'waiting') return beginAgain(life);
  const change = await lookAt(life);
  life.looked();
  life.set(change);
  if (!life.isUnreadable) return;
  life.isUnreadable = false;
  const { orderId } = life.facts;
  const { workflowId } = workflowInfo();
  await records.resolveException({ orderId, workflowId, kinds: ['refund_unknown'] });
  life.signalOrder(orderId);
}

async function raiseOverdue(life: RefundLifecycle): Promise<void> {
  // One last look: a refund that is final by now is no case.
  await look(life);
  const { refundId, now } = life.now;
  life.set(await records.flagRefund({ refundId, now, problem: 'overdue' }));
  life.overdue();
}

async function raiseUnknown(life: RefundLifecycle): Promise<void> {
  const { refundId, now } = life.now;
  const isBegun = life.facts.parts.some((part) => part.status === 'begun');
  if (isBegun) life.isUnknown = true;
  else life.isUnreadable = true;
  try {
    life.set(await records.flagRefund({ refundId, now, problem: isBegun ? 'unknown' : 'unreadable' }));
  } catch (error) {
    log.error('the exception of a refund could not be recorded', { refundId, error: String(error) });
  }
}

/** A first step that fails permanently becomes a case and is tried again: the caller may send the same request again. */
function insistOn<T>(life: RefundLifecycle, name: string, run: () => Promise<T>): Promise<T> {
  life.step = name;
  return insist(
    {
      name,
      exceptionKind: 'refund_unknown',
      atRisk: `refund ${life.refundId} is neither made nor refused until then.`,
      run,
    },
    // A refund that is recorded already, as a further one is, gets an exception, which is closed once the refund is final. Else
    // the order is not known, and only the search attribute shows the failure.
    {
      raise: async () => void (await records.flagRefund({ ...life.now, problem: 'unknown' })),
      resolve: () => Promise.resolve(),
      decisions: life.exceptions.decisions,
    },
  );
}

function inTurn(life: RefundLifecycle, work: () => Promise<RefundCommandAnswer>): Promise<RefundCommandAnswer> {
  return life.inTurn<RefundCommandAnswer>(
    work,
    () => refusal('unknown_refund', `Refund ${life.refundId} is not known.`),
    async (error) => {
      if (isLasting(error)) await raiseUnknown(life);
      return refusal('outcome_unknown', OUTCOME_UNKNOWN);
    },
  );
}

/** A person's decision on an exception: what failed is tried again now, or was resolved by hand. */
async function resolveByPerson(
  life: RefundLifecycle,
  command: ResolveCommand,
): Promise<CommandAnswer<{ readonly action: ResolutionAction }>> {
  const taken = await life.exceptions.decisions.take(command);
  if (taken !== undefined) return taken;
  const { kind, action } = command;
  if (kind === 'refund_mismatch' && action === 'dismiss' && life.isMismatched) {
    await life.exceptions.decided(command);
    life.isResolvedByHand = true;
    return { accepted: true, action };
  }
  if (kind !== 'refund_unknown' || action !== 'retry' || !life.exists) {
    return refusal('action_not_possible', `${action} is not possible for ${kind}.`);
  }
  await life.exceptions.decided(command);
  life.retryNow();
  return { accepted: true, action };
}

async function startAnew(life: RefundLifecycle): Promise<never> {
  await life.signalled();
  return continueAsNew<typeof refund>({ resume: life.refundId, policy: life.policy });
}
