import type { CommandAnswer } from '../../../workflows/domain/order/commands';
import type { ResolutionAction } from '../../../workflows/domain/exception/actions';
import type { RefundCommandAnswer } from '../../../workflows/refund/messages';
import type { SettlementReport } from '../../../workflows/settlement/ports';
import type { ResolutionRequest } from '../../schemas/exceptions';
import { UnexpectedAnswer } from '../errors';
import type { CallOptions } from '../options';
import type { DisputeVerbs } from '../verbs/disputes';
import type { OrderVerbs } from '../verbs/orders';
import type { RefundVerbs } from '../verbs/refunds';
import type { SubscriptionVerbs } from '../verbs/subscriptions';
import * as answers from './answers';
import { readingVerbs, type ReadingVerbs } from './reading';
import { segment } from './segment';
import { createTransport, type HoldfastHttpClientOptions, type Reply, type Transport } from './transport';

/** A person's decision on an exception: done, or why not. */
export type ExceptionAnswer =
  | CommandAnswer<{ readonly action: ResolutionAction }>
  | { readonly accepted: false; readonly reason: 'unknown_exception' | 'already_resolved'; readonly message: string };

/**
 * Holdfast's verbs over the gateway, for backends that should not reach Temporal: the requests, answers and errors are those of
 * `HoldfastClient`. A call's key is sent as the Idempotency-Key. UnexpectedAnswer is thrown if something other than the
 * gateway answers, or the gateway has a defect.
 */
export interface HoldfastHttpClient
  extends OrderVerbs, RefundVerbs, DisputeVerbs, Pick<SubscriptionVerbs, 'paySubscription'>, ReadingVerbs {
  /** A person's decision on an exception; `listExceptions` shows the possible actions. */
  resolveException(exceptionId: string, request: ResolutionRequest, options?: CallOptions): Promise<ExceptionAnswer>;
}

/**
 * Builds the client over the gateway. It needs only `fetch` and `crypto.randomUUID` of the runtime.
 * @throws RangeError if the URL or the API key is invalid
 */
export function createHoldfastHttpClient(options: HoldfastHttpClientOptions): HoldfastHttpClient {
  const transport = createTransport(options);
  return {
    ...orderVerbs(transport),
    ...refundVerbs(transport),
    ...decidingVerbs(transport),
    ...readingVerbs(transport),
  };
}

function orderVerbs(transport: Transport): OrderVerbs {
  const send = async (orderId: string, command: string, body: unknown, call: CallOptions = {}): Promise<Reply> =>
    transport.post(`/v1/orders/${segment('orderId', orderId)}/${command}`, body, call.idempotencyKey);
  return {
    async checkout(request, call = {}) {
      const reply = await transport.post('/v1/checkouts', request, call.idempotencyKey);
      if (!reply.ok && reply.code === 'not_found') throw unexpected('POST /v1/checkouts', reply);
      return answers.checkoutAnswer(reply);
    },
    async ship(orderId, request, call) {
      return answers.orderAnswer(await send(orderId, 'shipments', request, call));
    },
    async cancel(orderId, request, call) {
      return answers.orderAnswer(await send(orderId, 'cancel', request, call));
    },
    async deliver(orderId, request = {}, call = {}) {
      return answers.orderAnswer(await send(orderId, 'deliveries', request, call));
    },
    async renewPayment(orderId, request, call) {
      return answers.renewPaymentAnswer(await send(orderId, 'payment-method', request, call));
    },
    async decideHold(orderId, request, call) {
      return answers.orderAnswer(await send(orderId, 'hold-decision', request, call));
    },
    async reconcile(date) {
      const path = '/v1/payments/reconciliations';
      const reply = await transport.post(path, { date });
      if (!reply.ok) throw unexpected(`POST ${path}`, reply);
      return answers.settlementSummary(reply.body as unknown as SettlementReport);
    },
  };
}

function refundVerbs(transport: Transport): RefundVerbs {
  const decide = async (
    refundId: string,
    what: string,
    body: unknown,
    call: CallOptions,
  ): Promise<RefundCommandAnswer> => {
    const path = `/v1/refunds/${segment('refundId', refundId)}/${what}`;
    return answers.commandAnswer(await transport.post(path, body, call.idempotencyKey), 'unknown_refund');
  };
  return {
    async refund(orderId, request, call = {}) {
      const path = `/v1/orders/${segment('orderId', orderId)}/refunds`;
      return answers.refundAnswer(await transport.post(path, request, call.idempotencyKey));
    },
    resolveRefund: (refundId, request, call = {}) => decide(refundId, 'resolution', request, call),
    cancelRefund: (refundId, request = {}, call = {}) => decide(refundId, 'cancel', request, call),
  };
}

type DecidingVerbs = Pick<
  HoldfastHttpClient,
  'decideDispute' | 'decideFraudWarning' | 'paySubscription' | 'resolveException'
>;

function decidingVerbs(transport: Transport): DecidingVerbs {
  return {
    async decideDispute(disputeId, request, call = {}) {
      const path = `/v1/disputes/${segment('disputeId', disputeId)}/decision`;
      return answers.commandAnswer(await transport.post(path, request, call.idempotencyKey), 'unknown_dispute');
    },
    async decideFraudWarning(warningId, request, call = {}) {
      const path = `/v1/fraud-warnings/${segment('warningId', warningId)}/decision`;
      return answers.commandAnswer(await transport.post(path, request, call.idempotencyKey), 'unknown_warning');
    },
    async paySubscription(subscriptionId, request, call = {}) {
      const path = `/v1/subscriptions/${segment('subscriptionId', subscriptionId)}/payment-method`;
      return answers.payAnswer(await transport.post(path, request, call.idempotencyKey));
    },
    async resolveException(exceptionId, request, call = {}) {
      const path = `/v1/exceptions/${segment('exceptionId', exceptionId)}/resolution`;
      const reply = await transport.post(path, request, call.idempotencyKey);
      if (reply.ok) return { accepted: true, action: request.action };
      return answers.commandAnswer(reply, 'unknown_exception');
    },
  };
}

/** The gateway answers `not_found` for an unknown route, too: for a verb without a subject, the URL is wrong. */
function unexpected(target: string, { status, code }: Extract<Reply, { ok: false }>): UnexpectedAnswer {
  return new UnexpectedAnswer(target, status, code);
}
