import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import type { RefundCommandAnswer } from '../../../workflows/refund/messages';
import { refundAnswer } from '../../schemas/after-sale-answers';
import type { RefundResult } from '../../client/verbs/refunds';
import { ownId } from '../../schemas/edge';
import * as schemas from '../../schemas/refunds';
import { parse } from '../../schemas/validate';
import { actorOf } from '../server/auth';
import type { Outcome } from '../server/idempotency';
import { countedCommand, type GatewayMetrics } from '../server/metrics';
import type { Call, Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { badRequest, notFound, Problem, unavailable } from '../server/problem';

type RefundDeps = Pick<GatewayDeps, 'holdfast' | 'orders'>;

/** Refunds of orders, and everything under `/v1/refunds`. Reading is from Postgres, so it answers while workers are down. */
export function refundOperations(deps: RefundDeps, metrics: GatewayMetrics): Operation[] {
  return [create(deps, metrics), show(deps), resolve(deps, metrics), cancel(deps, metrics)];
}

function create(deps: RefundDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/orders/:orderId/refunds',
    name: 'refund',
    summary: 'Refund an amount or lines of an order. The refund succeeds only once the provider has confirmed it.',
    body: schemas.refundRequest,
    answers: {
      200: ['Nothing was captured: the hold is voided and the order cancelled', schemas.refundVoided],
      201: ['Recorded, its money reserved; the provider is asked next', schemas.refundAccepted],
      202: ['Recorded; waits for a capture whose outcome is not known yet', schemas.refundAccepted],
    },
    problems: {
      404: 'No such order',
      409: 'Refused, nothing was changed; `code` says why, `refundable` how much is left',
    },
    prepare: (call) => {
      const body = schemas.parseRefund(call.body);
      const request = { ...body, actor: actorOf(call.actor, body.actor) };
      return () =>
        countedCommand(metrics, 'refund', async () => {
          const isKnown = ownId.safeParse(call.orderId).success && (await deps.orders.getOrder(call.orderId));
          if (!isKnown) throw notFound('The order');
          return created(await deps.holdfast.refund(call.orderId, request, call.options));
        });
    },
  };
}

function created(answer: RefundResult): Outcome {
  if (!answer.accepted) {
    const { reason, message, refundable, held, coversHeld } = answer;
    if (reason === 'unknown_order') throw notFound('The order');
    if (reason === 'not_a_multiple') throw badRequest([{ field: 'amount', message }], { reason, refundable });
    throw new Problem(409, message, { code: reason, refundable, held, coversHeld });
  }
  const { accepted: _, ...body } = answer;
  if (body.state === 'voided') return { status: 200, body };
  const headers = { location: `/v1/refunds/${body.refundId}` };
  return { status: body.state === 'waiting' ? 202 : 201, body, headers };
}

function show(deps: RefundDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/refunds/:refundId',
    name: 'getRefund',
    summary: 'One refund with its parts, each with its status.',
    answers: { 200: ['The refund', refundAnswer] },
    problems: { 404: 'No such refund' },
    prepare: (call) => {
      const { refundId } = parse(schemas.refundParams, call.params);
      return async () => ({ status: 200, body: await existing(deps, refundId) });
    },
  };
}

function resolve(deps: RefundDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/refunds/:refundId/resolution',
    name: 'resolveRefund',
    summary: 'Decide on a refund that failed: refund again, record a manual transfer, or dismiss it.',
    body: schemas.resolutionRequest,
    answers: { 200: ['Resolved', schemas.refundResolved] },
    problems: { 404: 'No such refund', 409: 'Refused, nothing was changed; `code` says why' },
    prepare: (call) => {
      const body = schemas.parseResolution(call.body);
      const request = { ...body, actor: actorOf(call.actor, body.actor) };
      return toRefund(deps, call, metrics, 'resolveRefund', (refundId) =>
        deps.holdfast.resolveRefund(refundId, request, call.options),
      );
    },
  };
}

function cancel(deps: RefundDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/refunds/:refundId/cancel',
    name: 'cancelRefund',
    summary: 'Cancel a refund that was not sent yet, or that waits for the customer.',
    body: schemas.refundCancelRequest,
    answers: { 200: ['Canceled; parts that the provider already has go on', schemas.refundResolved] },
    problems: { 404: 'No such refund', 409: '`too_late`: the provider already has it' },
    prepare: (call) => {
      const body = parse(schemas.refundCancelRequest, call.body);
      const request = { ...body, actor: actorOf(call.actor, body.actor) };
      return toRefund(deps, call, metrics, 'cancelRefund', (refundId) =>
        deps.holdfast.cancelRefund(refundId, request, call.options),
      );
    },
  };
}

/** Sends a command to a refund that is recorded; no workflow starts for an unknown one. */
function toRefund(
  deps: RefundDeps,
  call: Call,
  metrics: GatewayMetrics,
  name: string,
  send: (refundId: string) => Promise<RefundCommandAnswer>,
): () => Promise<Outcome> {
  const { refundId } = parse(schemas.refundParams, call.params);
  return () =>
    countedCommand(metrics, name, async () => {
      await existing(deps, refundId);
      const answer = await send(refundId);
      if (!answer.accepted) throw refused(answer);
      const { accepted: _, ...body } = answer;
      return { status: 200, body };
    });
}

function refused({ reason, message }: Extract<RefundCommandAnswer, { readonly accepted: false }>): Problem {
  if (reason === 'unknown_refund') return notFound('The refund');
  // A 503 is not kept under the caller's key: sending the same request again finds the outcome out.
  if (reason === 'outcome_unknown') return unavailable(message, { code: reason });
  return new Problem(409, message, { code: reason });
}

async function existing({ orders }: RefundDeps, refundId: string): Promise<RefundFacts> {
  const found = await orders.getRefund(refundId);
  if (found === undefined) throw notFound('The refund');
  return found;
}
