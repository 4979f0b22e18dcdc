import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { DisputeLifecycle, records } from './lifecycle';
import { decideDispute, disputeChanged, getDisputeStatus } from './messages';
import type { DisputeAnswer, DisputeCommand, DisputeInput } from './messages';
import { isDecidable, isOpen } from '../domain/dispute/dispute';
import { dueWarnings, isPending } from '../domain/dispute/plan';
import type { DisputeDue } from '../domain/dispute/plan';
import { OUTCOME_UNKNOWN, refusal } from '../kit/answers';
import { isDefect, isLasting, refusedMessage } from '../kit/failures';
import { live } from '../kit/lifecycle';
import { resolveRaised } from '../kit/messages';
import { decideOn } from '../kit/exceptions';
import { insist, insistForEver } from '../kit/saga';
import { versioned } from '../kit/versioning';

/*
 * A dispute from its opening to its close: the order stops shipping, the evidence is collected, a person may decide until the
 * provider's deadline, the decision is carried out, and the workflow follows the bank until the money is final. Events are
 * hints only: every fact comes from a look at the provider.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), dispute);

/** How a dispute ended: its last stage, or `unknown` where it is none of ours. */
export interface DisputeEnd {
  readonly disputeId: string;
  readonly stage: string;
}

/** A person's text: the provider's own limit for it. */
const MAX_TEXT_LENGTH = 20_000;

export async function dispute(input: DisputeInput): Promise<DisputeEnd> {
  const life = new DisputeLifecycle(input);
  setHandler(decideDispute, (command) => inTurn(life, command), { validator: validateCommand });
  setHandler(resolveRaised, (command) => decideOn(life.exceptions, command));
  setHandler(disputeChanged, () => life.hint());
  setHandler(getDisputeStatus, () => life.status());
  // Cancelling the workflow does not end the dispute, so the workflow goes on.
  return CancellationScope.nonCancellable(() => run(life));
}

async function run(life: DisputeLifecycle): Promise<DisputeEnd> {
  const isOurs = await look(life);
  life.loaded = true;
  if (isOurs) {
    await live(life, {
      beforeWaiting: () => life.signalOthers(),
      act: (due) => (due === undefined ? look(life) : actOn(life, due.kind)),
      failed: (error, due) => raiseDefect(life, due?.kind ?? life.step, error),
      continueAnew: () => startAnew(life),
    });
  }
  await condition(allHandlersFinished);
  return { disputeId: life.disputeId, stage: isOurs ? life.facts.stage : 'unknown' };
}

/** Asks the provider, for as long as it takes; false where it is no dispute of ours. */
async function look(life: DisputeLifecycle): Promise<boolean> {
  life.step = 'asking Stripe about the dispute';
  const step = {
    name: `look at dispute ${life.disputeId}`,
    exceptionKind: 'dispute_unsettled',
    atRisk: 'its deadline may pass unseen. Look at it in the dashboard of the provider.',
    run: () => life.sync(),
  } as const;
  return insistForEver(step, life.exceptions);
}

/** What a dispute does by itself. */
async function actOn(life: DisputeLifecycle, kind: DisputeDue['kind']): Promise<void> {
  life.step = kind;
  switch (kind) {
    case 'look':
      return void (await look(life));
    case 'collect':
      return life.collect();
    case 'warn':
      return warn(life);
    case 'decide':
      return decideByPolicy(life);
    case 'carry_out':
      return carryOut(life);
    case 'overdue':
      return raiseOverdue(life);
  }
}

/** The deadline is near: an exception is opened, with a notice unless the round's first notice was sent just now. */
async function warn(life: DisputeLifecycle): Promise<void> {
  const due = dueWarnings(life.facts, life.policy, Date.now());
  const warnedMs = due.map((one) => one.beforeMs);
  const notify = due.some((one) => !one.isSilent);
  life.set(await records.warnOfDispute({ ...life.now, warnedMs, notify }));
}

/** No person has decided in time: the shop's policy decides. */
async function decideByPolicy(life: DisputeLifecycle): Promise<void> {
  const { round } = life.facts;
  const action = life.policy.onDeadline;
  life.set(await records.decideDispute({ ...life.now, round, action, actor: 'holdfast' }));
}

async function carryOut(life: DisputeLifecycle): Promise<void> {
  const { disputeId, facts: record } = life;
  const atRisk = `the deadline is ${record.dueBy ?? 'not known'}. Answer in the dashboard of the provider if it is near.`;
  const name = `carry out what was decided on dispute ${disputeId}`;
  await insist({ name, exceptionKind: 'dispute_unsettled', atRisk, run: () => life.carryOut() }, life.exceptions);
}

/** The party that the dispute waits for has let its time pass. */
async function raiseOverdue(life: DisputeLifecycle): Promise<void> {
  const { waiting } = life;
  const message = `Dispute ${life.disputeId} waited for the ${waiting?.on ?? 'provider'} until ${waiting?.until ?? 'now'}: ${waiting?.why ?? ''}. Ask the provider.`;
  await life.exceptions.raise('dispute_unsettled', message);
  await reload(life);
}

async function reload(life: DisputeLifecycle): Promise<void> {
  const record = await records.loadDispute({ disputeId: life.disputeId });
  if (record !== null) life.set(record);
}

/** A person's decision: recorded, then carried out, in one turn. */
async function decide(life: DisputeLifecycle, command: DisputeCommand): Promise<DisputeAnswer> {
  const before = refuse(life, command) ?? sameAgain(life, command);
  if (before !== undefined) return before;
  life.step = `carrying out: ${command.action}`;
  life.set(await records.decideDispute({ ...life.now, round: life.facts.round, ...command }));
  if (isPending(life.facts)) await carryOut(life);
  return answer(life, command);
}

/** Why a decision is not possible; undefined where it is. */
function refuse(life: DisputeLifecycle, command: DisputeCommand): DisputeAnswer | undefined {
  const { facts: record, disputeId } = life;
  if (isDecidable(record) || sameAgain(life, command) !== undefined) return undefined;
  if (!isOpen(record)) return refusal('dispute_closed', `Dispute ${disputeId} is closed: ${record.stage}.`);
  const { decision } = record;
  if (decision !== undefined) {
    return refusal('already_decided', `${decision.actor} has decided on dispute ${disputeId}: ${decision.action}.`);
  }
  return refusal('nothing_to_decide', `Dispute ${disputeId} takes no answer: ${record.providerStatus}.`);
}

/** The answer to the same decision sent again; undefined for any other. */
function sameAgain({ facts: record }: DisputeLifecycle, { action }: DisputeCommand): DisputeAnswer | undefined {
  const { decision, disputeId, stage } = record;
  if (decision?.action !== action || decision.doneAt === undefined) return undefined;
  return { accepted: true, disputeId, stage, action, doneAt: decision.doneAt };
}

function answer(life: DisputeLifecycle, command: DisputeCommand): DisputeAnswer {
  const { decision } = life.facts;
  if (decision?.action === command.action && decision.refused !== undefined) {
    const what = command.action === 'submit' ? 'the evidence' : 'it';
    return refusal('refused_by_provider', `The provider did not take ${what} (${decision.refused}).`);
  }
  const done = sameAgain(life, command) ?? refuse(life, command);
  return done ?? refusal('outcome_unknown', 'It is not known whether the provider has it; send the same again to ask.');
}

function inTurn(life: DisputeLifecycle, command: DisputeCommand): Promise<DisputeAnswer> {
  return life.inTurn<DisputeAnswer>(
    () => decide(life, command),
    () => refusal('unknown_dispute', `Dispute ${life.disputeId} is not known.`),
    async (error) => {
      await raiseDefect(life, 'a decision', error);
      return refusal('outcome_unknown', OUTCOME_UNKNOWN);
    },
  );
}

/** A mistake of our own, or a refusal, fails again and again: a person gets the case. */
async function raiseDefect(life: DisputeLifecycle, step: string, error: unknown): Promise<void> {
  if (!isLasting(error)) return;
  const name = `${step} on dispute ${life.disputeId}`;
  const what = isDefect(error) ? `${name} failed on a mistake of Holdfast itself` : refusedMessage(name, error);
  const message = `${what}. Answer in the dashboard of the provider if its deadline is near.`;
  await life.exceptions.report('dispute_unsettled', message);
}

async function startAnew(life: DisputeLifecycle): Promise<never> {
  const { disputeId, policy, toldOpen, facts: record } = life;
  return continueAsNew<typeof dispute>({
    disputeId,
    policy,
    orderId: record.orderId,
    ...(toldOpen !== undefined && { toldOpen }),
  });
}

/** Shape only; what depends on the dispute is refused with a reason by the decision itself. Synchronous, or it rejects nothing. */
function validateCommand({ action, note = '', uncategorizedText = '' }: DisputeCommand): void {
  if (action !== 'submit' && action !== 'accept') throw new TypeError('action must be submit or accept');
  if (note.length > MAX_TEXT_LENGTH || uncategorizedText.length > MAX_TEXT_LENGTH) {
    throw new TypeError(`texts have at most ${MAX_TEXT_LENGTH} characters`);
  }
}
