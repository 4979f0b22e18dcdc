import type { RefusalReason, Refusal } from '../../../workflows/domain/order/commands';
import type { RenewPaymentAnswer } from '../../../workflows/order/messages';
import type { OrderView } from '../../../workflows/domain/order/view';
import * as answers from '../../schemas/answers';
import { ownId } from '../../schemas/edge';
import * as schemas from '../../schemas/orders';
import { parse, parseDelivery, parseShipment } from '../../schemas/validate';
import { actorOf } from '../server/auth';
import type { Outcome } from '../server/idempotency';
import { countedCommand, type GatewayMetrics } from '../server/metrics';
import type { Call, Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { badRequest, notFound, Problem } from '../server/problem';

const REFUSED = 'Refused, nothing was changed; `code` says why';
const NOT_TAKEN = 'Stripe refused the capture (`payment_refused`): nothing was captured, and an exception is open';

/** Everything under `/v1/orders`. Reading is from Postgres, so it answers while workers are down. */
export function orderOperations(deps: GatewayDeps, metrics: GatewayMetrics, now: () => number): Operation[] {
  return [...reading(deps, now), ...shipping(deps, metrics, now), ...deciding(deps, metrics)];
}

function reading(deps: GatewayDeps, now: () => number): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/orders',
      name: 'listOrders',
      summary: 'Orders, latest first; with stuck=true only those that are overdue or have an open exception.',
      query: schemas.listOrdersQuery,
      answers: { 200: ['Orders', answers.ordersAnswer] },
      problems: {},
      prepare: (call) => {
        const query = parseListQuery(call.query);
        return async () => ({ status: 200, body: { orders: await list(deps, query, now) } });
      },
    },
    {
      method: 'GET',
      path: '/v1/orders/:orderId',
      name: 'getOrder',
      summary: 'One order: its state, amounts, lines, shipments, and the party it waits for.',
      answers: { 200: ['The order', answers.orderAnswer] },
      problems: { 404: 'No such order' },
      prepare: (call) => async () => ({ status: 200, body: await existing(deps, call.orderId) }),
    },
  ];
}

function parseListQuery(raw: unknown): schemas.ListOrdersQuery {
  const query = parse(schemas.listOrdersQuery, raw);
  if (query.stuck !== 'true') return query;
  const extra = (['state', 'waitingOn', 'before'] as const).filter((field) => query[field] !== undefined);
  if (extra.length === 0) return query;
  throw badRequest(extra.map((field) => ({ field, message: 'cannot be combined with stuck=true' })));
}

async function list(deps: GatewayDeps, query: schemas.ListOrdersQuery, now: () => number): Promise<OrderView[]> {
  const { state, waitingOn, limit, before, stuck } = query;
  if (stuck === 'true') return deps.orders.listStuck({ now: new Date(now()).toISOString(), limit });
  return deps.orders.listOrders({
    limit,
    ...(state !== undefined && { state }),
    ...(waitingOn !== undefined && { waitingOn }),
    ...(before !== undefined && { before }),
  });
}

function shipping(deps: GatewayDeps, metrics: GatewayMetrics, now: () => number): Operation[] {
  const command = commands(deps, metrics);
  return [
    command({
      path: 'shipments',
      name: 'ship',
      summary: 'Hand lines to a carrier, and capture what they cost.',
      body: schemas.shipmentRequest,
      answers: { 201: ['Captured and recorded', answers.shipmentAnswer] },
      problems: { 402: NOT_TAKEN },
      prepare: (call) => {
        const request = parseShipment(call.body);
        return async () => done(201, call, await deps.holdfast.ship(call.orderId, request, call.options));
      },
    }),
    command({
      path: 'cancel',
      name: 'cancel',
      summary: 'Cancel what has not shipped: voids the hold and releases the stock.',
      body: schemas.cancelRequest,
      answers: { 200: ['Cancelled', answers.cancelAnswer] },
      prepare: (call) => {
        const body = parse(schemas.cancelRequest, call.body);
        const request = { ...body, actor: actorOf(call.actor, body.actor) };
        return async () => done(200, call, await deps.holdfast.cancel(call.orderId, request, call.options));
      },
    }),
    command({
      path: 'deliveries',
      name: 'deliver',
      summary: 'Record that parcels have arrived: one shipment, or all that are under way.',
      body: schemas.deliveryRequest,
      answers: { 200: ['Recorded', answers.deliveryAnswer] },
      prepare: (call) => {
        const request = parseDelivery(call.body, now());
        return async () => done(200, call, await deps.holdfast.deliver(call.orderId, request, call.options));
      },
    }),
  ];
}

function deciding(deps: GatewayDeps, metrics: GatewayMetrics): Operation[] {
  const command = commands(deps, metrics);
  return [
    command({
      path: 'payment-method',
      name: 'renewPayment',
      summary: 'Pay with another method for an order whose card hold the bank refused to renew.',
      body: schemas.paymentMethodRequest,
      answers: {
        200: ['The card is held again', answers.paymentRenewed],
        202: ['The customer must pass 3-D Secure', answers.paymentRequiresAction],
      },
      problems: { 402: 'Declined (`card_declined`, `declineCode`)' },
      prepare: (call) => {
        const request = parse(schemas.paymentMethodRequest, call.body);
        return async () => renewed(call, await deps.holdfast.renewPayment(call.orderId, request, call.options));
      },
    }),
    command({
      path: 'hold-decision',
      name: 'decideHold',
      summary: 'Decide on a card hold that is about to end (policy `ask`), or that was cancelled at the provider.',
      body: schemas.holdDecisionRequest,
      answers: { 200: ['Decided', answers.holdDecisionAnswer] },
      problems: { 402: NOT_TAKEN },
      prepare: (call) => {
        const body = parse(schemas.holdDecisionRequest, call.body);
        const request = { ...body, actor: actorOf(call.actor, body.actor) };
        return async () => done(200, call, await deps.holdfast.decideHold(call.orderId, request, call.options));
      },
    }),
  ];
}

type CommandOperation = Omit<Operation, 'method' | 'problems'> & { readonly problems?: Operation['problems'] };

/** What all commands share: the order must exist before its workflow is started, and answers are counted. */
function commands(deps: GatewayDeps, metrics: GatewayMetrics): (operation: CommandOperation) => Operation {
  return (operation) => ({
    ...operation,
    method: 'POST',
    path: `/v1/orders/:orderId/${operation.path}`,
    problems: { 404: 'No such order', 409: REFUSED, ...operation.problems },
    prepare: (call) => {
      const run = operation.prepare(call);
      return async () => {
        await existing(deps, call.orderId);
        return countedCommand(metrics, operation.name, run);
      };
    },
  });
}

async function existing(deps: GatewayDeps, orderId: string): Promise<OrderView> {
  const wellFormed = ownId.safeParse(orderId).success;
  const order = wellFormed ? await deps.orders.getOrder(orderId) : undefined;
  if (order === undefined) throw notFound('The order');
  return order;
}

function done(status: number, call: Call, answer: { readonly accepted: true } | Refusal): Outcome {
  if (!answer.accepted) throw refused(answer);
  const { accepted: _, ...rest } = answer;
  return { status, body: { orderId: call.orderId, ...rest } };
}

function renewed(call: Call, answer: RenewPaymentAnswer): Outcome {
  if (!answer.accepted) throw refused(answer);
  if (answer.state === 'declined') {
    const { declineCode, retryUntil } = answer;
    throw new Problem(402, 'The bank declined this payment method; try another one', {
      code: 'card_declined',
      declineCode,
      retryUntil,
    });
  }
  return done(answer.state === 'requires_action' ? 202 : 200, call, answer);
}

function refused(refusal: Refusal): Problem {
  const reason: RefusalReason = refusal.reason;
  if (reason === 'unknown_order') return notFound('The order');
  const errors = refusal.problems;
  // An unknown warehouse is a mistake in the request; the other refusals are valid requests that are not possible now.
  if (reason === 'unknown_warehouse') return badRequest(errors ?? [], { reason });
  const status = reason === 'payment_refused' ? 402 : 409;
  return new Problem(status, refusal.message, { code: reason, ...(errors && { errors }) });
}
