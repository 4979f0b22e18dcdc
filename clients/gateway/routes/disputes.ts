import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';
import type { DisputeAnswer } from '../../../workflows/dispute/messages';
import type { FraudWarningAnswer } from '../../../workflows/fraud-warning/messages';
import * as schemas from '../../schemas/disputes';
import { parse } from '../../schemas/validate';
import { actorOf } from '../server/auth';
import type { Outcome } from '../server/idempotency';
import { countedCommand, type GatewayMetrics } from '../server/metrics';
import type { Call, Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { notFound, Problem, unavailable } from '../server/problem';

type DisputeDeps = Pick<GatewayDeps, 'holdfast' | 'disputes'>;

/** Everything under `/v1/disputes` and `/v1/fraud-warnings`. Reading is from Postgres, so it answers while workers are down. */
export function disputeOperations(deps: DisputeDeps, metrics: GatewayMetrics): Operation[] {
  return [
    listDisputes(deps),
    showDispute(deps),
    decideDispute(deps, metrics),
    listWarnings(deps),
    showWarning(deps),
    decideWarning(deps, metrics),
  ];
}

function listDisputes({ disputes }: DisputeDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/disputes',
    name: 'listDisputes',
    summary: 'Disputes and inquiries, latest first; with open=true only those that the bank has not closed.',
    query: schemas.listDisputesQuery,
    answers: { 200: ['Disputes', schemas.disputesAnswer] },
    problems: {},
    prepare: (call) => {
      const filter = filterOf(call);
      return async () => ({ status: 200, body: { disputes: await disputes.listDisputes(filter) } });
    },
  };
}

function showDispute(deps: DisputeDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/disputes/:disputeId',
    name: 'getDispute',
    summary: 'One dispute: its stage, its money, its deadline, and what was decided.',
    answers: { 200: ['The dispute', schemas.disputeViewAnswer] },
    problems: { 404: 'No such dispute' },
    prepare: (call) => {
      const { disputeId } = parse(schemas.disputeParams, call.params);
      return async () => ({ status: 200, body: await existingDispute(deps, disputeId) });
    },
  };
}

function decideDispute(deps: DisputeDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/disputes/:disputeId/decision',
    name: 'decideDispute',
    summary:
      'Decide on an open dispute: send the evidence that was collected, or accept it. Answered once Stripe has it.',
    body: schemas.disputeDecisionRequest,
    answers: { 200: ['Done at Stripe', schemas.disputeDecided] },
    problems: {
      404: 'No such dispute',
      409: '`dispute_closed`, `already_decided`, `nothing_to_decide`, or `refused_by_provider`',
    },
    prepare: (call) => {
      const { disputeId } = parse(schemas.disputeParams, call.params);
      const body = parse(schemas.disputeDecisionRequest, call.body);
      const request = { ...body, actor: actorOf(call.actor, body.actor) };
      return () =>
        countedCommand(metrics, 'decideDispute', async () => {
          const { closedAt, stage, decision } = await existingDispute(deps, disputeId);
          // No workflow starts for a closed dispute, unless the same decision is sent again: that gets its first answer.
          if (closedAt !== undefined && decision?.action !== request.action) {
            throw new Problem(409, `Dispute ${disputeId} is closed (${stage}); it cannot be decided any longer.`, {
              code: 'dispute_closed',
            });
          }
          return decided(await deps.holdfast.decideDispute(disputeId, request, call.options), 'The dispute');
        });
    },
  };
}

function listWarnings({ disputes }: DisputeDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/fraud-warnings',
    name: 'listFraudWarnings',
    summary: 'Early fraud warnings, latest first; with open=true only those that wait for a decision.',
    query: schemas.listDisputesQuery,
    answers: { 200: ['Early fraud warnings', schemas.fraudWarningsAnswer] },
    problems: {},
    prepare: (call) => {
      const filter = filterOf(call);
      return async () => ({ status: 200, body: { fraudWarnings: await disputes.listFraudWarnings(filter) } });
    },
  };
}

function showWarning(deps: DisputeDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/fraud-warnings/:warningId',
    name: 'getFraudWarning',
    summary: 'One early fraud warning: what can be refunded, what is left to ship, and what was decided.',
    answers: { 200: ['The warning', schemas.fraudWarningAnswer] },
    problems: { 404: 'No such warning' },
    prepare: (call) => {
      const { warningId } = parse(schemas.fraudWarningParams, call.params);
      return async () => ({ status: 200, body: await existingWarning(deps, warningId) });
    },
  };
}

function decideWarning(deps: DisputeDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/fraud-warnings/:warningId/decision',
    name: 'decideFraudWarning',
    summary: 'Decide on an early fraud warning: refund the order before it is disputed, or ignore the warning.',
    body: schemas.fraudWarningDecisionRequest,
    answers: { 200: ['Decided; where it is a refund, the refund has been requested', schemas.fraudWarningDecided] },
    problems: { 404: 'No such warning', 409: '`warning_closed`, `already_decided` or `refund_refused`' },
    prepare: (call) => {
      const { warningId } = parse(schemas.fraudWarningParams, call.params);
      const body = parse(schemas.fraudWarningDecisionRequest, call.body);
      const request = { ...body, actor: actorOf(call.actor, body.actor) };
      return () =>
        countedCommand(metrics, 'decideFraudWarning', async () => {
          const { ended, decision } = await existingWarning(deps, warningId);
          if (ended !== undefined && decision?.action !== request.action) {
            throw new Problem(409, `Warning ${warningId} is closed (${ended}); it cannot be decided any longer.`, {
              code: 'warning_closed',
            });
          }
          return decided(await deps.holdfast.decideFraudWarning(warningId, request, call.options), 'The warning');
        });
    },
  };
}

function filterOf(call: Call): { readonly open?: boolean; readonly limit: number } {
  const { open, limit } = parse(schemas.listDisputesQuery, call.query);
  return { limit, ...(open !== undefined && { open: open === 'true' }) };
}

function decided(answer: DisputeAnswer | FraudWarningAnswer, what: string): Outcome {
  if (!answer.accepted) {
    const { reason, message } = answer;
    if (reason === 'unknown_dispute' || reason === 'unknown_warning') throw notFound(what);
    // A 503 is not kept under the caller's key: sending the same request again finds the outcome out.
    if (reason === 'outcome_unknown') throw unavailable(message, { code: reason });
    throw new Problem(409, message, { code: reason });
  }
  const { accepted: _, ...body } = answer;
  return { status: 200, body };
}

async function existingDispute({ disputes }: DisputeDeps, disputeId: string): Promise<DisputeView> {
  const found = await disputes.getDispute(disputeId);
  if (found === undefined) throw notFound('The dispute');
  return found;
}

async function existingWarning({ disputes }: DisputeDeps, warningId: string): Promise<FraudWarningView> {
  const found = await disputes.getFraudWarning(warningId);
  if (found === undefined) throw notFound('The warning');
  return found;
}
