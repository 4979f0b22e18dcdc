import { randomUUID } from 'node:crypto';
import type { CallOptions } from '../options';
import { sha256 } from '../fingerprint';
import { withoutUndefined } from '../requests';
import type { SendUpdate } from '../send-update';
import { orderParams } from '../../schemas/orders';
import { parseRefund, parseResolution, refundCancelRequest, refundParams } from '../../schemas/refunds';
import type { RefundBody, RefundCancelBody, ResolutionBody } from '../../schemas/refunds';
import { parse } from '../../schemas/validate';
import { DEFAULT_REFUND_POLICY } from '../../../workflows/domain/refund/refund';
import type { RefundPolicy } from '../../../workflows/domain/refund/refund';
import { workflowTypes } from '../../../workflows/kit/names';
import type { StartOptions } from '../../../workflows/kit/start';
import type { CancelAnswer } from '../../../workflows/order/messages';
import { cancelRefund, requestRefund, resolveFailedRefund } from '../../../workflows/refund/messages';
import type { RefundAccepted, RefundCommandAnswer, RefundRefusal } from '../../../workflows/refund/messages';
import type { RefundRequest } from '../../../workflows/domain/refund/request';
import { refundStart } from '../../../workflows/refund/start';

/** Nothing was captured: the hold was voided and the order was cancelled. */
export interface RefundVoided {
  readonly accepted: true;
  readonly state: 'voided';
  readonly orderId: string;
  /** Minor units. */
  readonly releasedAmount: number;
  readonly cancelledLines: readonly { readonly sku: string; readonly quantity: number }[];
}

export type RefundResult = RefundAccepted | RefundVoided | RefundRefusal;

/** Holdfast's verbs for refunds. Errors are those of every verb. */
export interface RefundVerbs {
  /**
   * Refunds money of an order. Accepted as soon as it is recorded and reserved, before the provider has answered; `waiting` if
   * a capture's outcome must be known first. A refund of everything before any capture is a cancel: `voided`.
   */
  refund(orderId: string, request: RefundBody, options?: CallOptions): Promise<RefundResult>;
  /** A person's decision on a failed refund. */
  resolveRefund(refundId: string, request: ResolutionBody, options?: CallOptions): Promise<RefundCommandAnswer>;
  /** Cancels a refund that was not sent yet, or that waits for the customer. */
  cancelRefund(refundId: string, request?: RefundCancelBody, options?: CallOptions): Promise<RefundCommandAnswer>;
}

/** The client for the requests, and the policy for new refunds. */
export interface RefundTarget {
  readonly taskQueue: string;
  readonly send: SendUpdate;
  readonly policy: Partial<RefundPolicy> | undefined;
  /** The actor of requests without one. */
  readonly defaultActor: string;
  readonly cancel: (
    orderId: string,
    request: { readonly reason: string; readonly actor: string },
    options: CallOptions,
  ) => Promise<CancelAnswer>;
}

/** The verbs over a Temporal client. */
export function refundVerbs(target: RefundTarget): RefundVerbs {
  const policy: RefundPolicy = { ...DEFAULT_REFUND_POLICY, ...target.policy };
  const { taskQueue, send, defaultActor } = target;
  const toRecorded = (refundId: string): StartOptions =>
    refundStart(parse(refundParams, { refundId }).refundId, { resume: refundId, policy }, taskQueue);
  return {
    async refund(orderId, body, options = {}) {
      const { orderId: id } = parse(orderParams, { orderId });
      const request = toRequest(id, parseRefund(withoutUndefined(body)), defaultActor, options);
      const start = refundStart(request.refundId, { request, policy }, taskQueue);
      const update = { type: workflowTypes.refund, start, update: requestRefund, argument: request };
      const answer = await send(update, options);
      return answer.accepted || answer.coversHeld !== true ? answer : voidInstead(target, request, answer, options);
    },
    async resolveRefund(refundId, body, options = {}) {
      const { action, actor = defaultActor, reference } = parseResolution(withoutUndefined(body));
      const argument = { action, actor, ...(reference !== undefined && { reference }) };
      return send(
        { type: workflowTypes.refund, start: toRecorded(refundId), update: resolveFailedRefund, argument },
        options,
      );
    },
    async cancelRefund(refundId, body = {}, options = {}) {
      const { actor = defaultActor } = parse(refundCancelRequest, withoutUndefined(body));
      const argument = { actor };
      return send({ type: workflowTypes.refund, start: toRecorded(refundId), update: cancelRefund, argument }, options);
    },
  };
}

/** Nothing was captured and the whole hold was requested: cancels the order instead. */
async function voidInstead(
  target: RefundTarget,
  request: RefundRequest,
  refusal: RefundRefusal,
  options: CallOptions,
): Promise<RefundResult> {
  const { orderId, reason, actor } = request;
  const answer = await target.cancel(orderId, { reason, actor }, options);
  if (!answer.accepted) return { ...refusal, message: `${refusal.message} The cancel was refused: ${answer.message}` };
  const { releasedAmount, cancelledLines } = answer;
  return { accepted: true, state: 'voided', orderId, releasedAmount, cancelledLines };
}

function toRequest(
  orderId: string,
  parsed: ReturnType<typeof parseRefund>,
  defaultActor: string,
  options: CallOptions,
): RefundRequest {
  const { amount, currency, lines, reason, actor = defaultActor } = parsed;
  return {
    refundId: newRefundId(orderId, options),
    orderId,
    ...(amount !== undefined && { amount }),
    ...(currency !== undefined && { currency }),
    ...(lines !== undefined && { lines }),
    reason,
    actor,
  };
}

/** The same key for the same order gives the same refund id, even after a restart of the caller; without a key each refund is new. */
function newRefundId(orderId: string, { idempotencyKey }: CallOptions): string {
  const unique =
    idempotencyKey === undefined ? randomUUID().replaceAll('-', '') : sha256(`${orderId}:${idempotencyKey}`);
  return `rf_${unique.slice(0, 32)}`;
}
