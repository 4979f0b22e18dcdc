import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { decideFraudWarning, fraudWarningChanged, getFraudWarningStatus } from './messages';
import type { FraudWarningAnswer, FraudWarningCommand, FraudWarningInput } from './messages';
import { OUTCOME_UNKNOWN, refusal } from '../kit/answers';
import { isDefect } from '../kit/failures';
import { FraudWarningLifecycle, records } from './lifecycle';
import { live } from '../kit/lifecycle';
import { resolveRaised } from '../kit/messages';
import type { RefundRequest } from '../domain/refund/request';
import { startRefund } from '../refund/child';
import { decideOn } from '../kit/exceptions';
import { insistForEver } from '../kit/saga';
import { versioned } from '../kit/versioning';

/*
 * An early fraud warning: the card's issuer reports fraud before its customer disputes the payment. A person may refund before
 * a dispute costs more, or ignore the warning. It ends by itself where the money was refunded elsewhere or disputed, and after
 * a time limit. It does not stop the order from shipping: the exception lists what is left to ship.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), fraudWarning);

/** How a warning ended, or `unknown` where it is none of ours. */
export interface FraudWarningResult {
  readonly warningId: string;
  readonly ended: string;
}

export async function fraudWarning(input: FraudWarningInput): Promise<FraudWarningResult> {
  const life = new FraudWarningLifecycle(input);
  setHandler(decideFraudWarning, (command) => inTurn(life, command), { validator });
  setHandler(resolveRaised, (command) => decideOn(life.exceptions, command));
  setHandler(fraudWarningChanged, () => life.hint());
  setHandler(getFraudWarningStatus, () => life.status());
  // A workflow cancelled in Temporal would leave its exception open, so it goes on until it ends by itself.
  return CancellationScope.nonCancellable(() => run(life));
}

async function run(life: FraudWarningLifecycle): Promise<FraudWarningResult> {
  const isOurs = await look(life);
  life.loaded = true;
  if (isOurs) await live(life, { act: () => look(life), continueAnew: () => continueAsNew(life.input) });
  await condition(allHandlersFinished);
  return { warningId: life.warningId, ended: isOurs ? (life.facts.ended ?? '') : 'unknown' };
}

/** Asks the provider, for as long as it takes; false where it is no warning of ours. */
async function look(life: FraudWarningLifecycle): Promise<boolean> {
  life.step = 'asking Stripe about the warning';
  const step = {
    name: `look at early fraud warning ${life.warningId}`,
    exceptionKind: 'dispute_unsettled',
    atRisk: 'the payment may be disputed unless it is refunded. Look at it in the dashboard of the provider.',
    run: () => life.sync(),
  } as const;
  return insistForEver(step, life.exceptions);
}

async function decide(life: FraudWarningLifecycle, command: FraudWarningCommand): Promise<FraudWarningAnswer> {
  const before = decided(life, command);
  if (before !== undefined) return before;
  const { action, actor } = command;
  if (action === 'ignore') {
    life.step = 'closing the warning';
    life.set(await records.decideFraudWarning({ ...life.now, action, actor }));
    return decided(life, command) ?? refusal('outcome_unknown', 'It is not known whether this was recorded.');
  }
  return refund(life, command);
}

/**
 * Refunds everything that can be refunded, under a refund's own rules. The refund is recorded and reserved here, so that a
 * refusal is the answer to this decision; its own workflow then carries it out.
 */
async function refund(life: FraudWarningLifecycle, command: FraudWarningCommand): Promise<FraudWarningAnswer> {
  const { action, actor } = command;
  // What can be refunded may have changed since the last look.
  await look(life);
  const ended = decided(life, command);
  if (ended !== undefined) return ended;
  const { orderId, refundable, currency } = life.facts;
  if (refundable <= 0) {
    return refusal(
      'refund_refused',
      `Nothing of order ${orderId} can be refunded: cancel it where money is only held.`,
    );
  }
  const refundId = `fraud-${life.warningId}`;
  const request: RefundRequest = { refundId, orderId, amount: refundable, currency, reason: 'fraudulent', actor };
  life.step = `refunding as ${refundId}`;
  const policy = life.input.refundPolicy;
  const begun = await records.beginRefund({ request, policy, now: life.now.now });
  if (begun.outcome === 'refused') return refusal('refund_refused', begun.message);
  await startRefund(orderId, refundId, { request, policy });
  life.set(await records.decideFraudWarning({ ...life.now, action, actor, refundId }));
  return (
    decided(life, command) ?? refusal('outcome_unknown', `Refund ${refundId} was begun; send the same again to ask.`)
  );
}

/** The answer where a decision was made already, or comes too late; undefined where it is open. */
function decided({ facts }: FraudWarningLifecycle, { action }: FraudWarningCommand): FraudWarningAnswer | undefined {
  const { warningId, decision, refundId, ended } = facts;
  if (decision?.action === action) {
    return {
      accepted: true,
      warningId,
      action,
      ...(refundId !== undefined && { refundId }),
      ...(ended !== undefined && { ended }),
    };
  }
  if (decision !== undefined) {
    return refusal('already_decided', `${decision.actor} has decided on warning ${warningId}: ${decision.action}.`);
  }
  return ended === undefined ? undefined : refusal('warning_closed', `Warning ${warningId} is closed: ${ended}.`);
}

function inTurn(life: FraudWarningLifecycle, command: FraudWarningCommand): Promise<FraudWarningAnswer> {
  return life.inTurn<FraudWarningAnswer>(
    () => decide(life, command),
    () => refusal('unknown_warning', `Early fraud warning ${life.warningId} is not known.`),
    async (error) => {
      if (isDefect(error)) {
        const message = `A decision on early fraud warning ${life.warningId} failed on a mistake of Holdfast itself. Refund the payment in the dashboard of the provider if that was decided.`;
        await life.exceptions.report('dispute_unsettled', message);
      }
      return refusal('outcome_unknown', OUTCOME_UNKNOWN);
    },
  );
}

function validator({ action }: FraudWarningCommand): void {
  if (action !== 'refund' && action !== 'ignore') throw new TypeError('action must be refund or ignore');
}
