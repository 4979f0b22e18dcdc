import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { RefundPart } from '../../../workflows/domain/refund/refund';
import type {
  AdoptRefundResult,
  FollowRefundInput,
  RefundChange,
  RefundProviderActivities,
} from '../../../workflows/refund/ports';
import type { BeginSendResult, PartInput } from '../../storage/refunds/provider-refund';
import type { RefundStore } from '../../storage/refunds/store';
import { activity, amountText, type PaymentContext } from '../context';
import { sendKeyed } from '../keyed';
import { metadataKeys } from '../metadata';
import type { ProviderSession } from '../provider';
import {
  assertAllListed,
  cancelRefund,
  createRefund,
  findRefund,
  providerRefund,
  refusalOf,
  retrieveRefund,
  type RefundParams,
} from './requests';

/** The activities of refunds on Stripe: see `RefundProviderActivities` for the contract of each. */
export function createRefundActivities(context: PaymentContext, store: RefundStore): RefundProviderActivities {
  return {
    sendRefund: (input) => sendRefund(context, store, input),
    syncRefund: (input) => syncRefund(context, store, input),
    cancelRefund: (input) => cancelParts(context, store, input),
    adoptRefund: (input) => adoptRefund(context, store, input),
  };
}

type ToSend = Extract<BeginSendResult, { kind: 'send' }>;

async function sendRefund(context: PaymentContext, store: RefundStore, input: PartInput): Promise<RefundChange> {
  const begun = await store.beginSend(input);
  if (begun.kind === 'done') return begun.change;
  const { orderId, amount, currency } = begun;
  const atRisk = `${amountText(amount, currency)} of refund ${input.refundId} may be refunded without being recorded`;
  return activity(context, { operation: 'sendRefund', orderId, atRisk, priority: 'interactive' }, (session) =>
    send(context, store, session, input, begun),
  );
}

async function send(
  context: PaymentContext,
  store: RefundStore,
  session: ProviderSession,
  input: PartInput,
  part: ToSend,
): Promise<RefundChange> {
  const { stripe } = context;
  const { operationKey, paymentIntentId } = part;
  const params: RefundParams = { ...part, refundId: input.refundId };
  const look = async () => {
    const found = await findRefund(stripe, session, paymentIntentId, operationKey);
    return found && { refund: found, fetched: true };
  };
  try {
    // An earlier request may have succeeded without an answer, and the provider forgets idempotency keys after 24 h.
    const known = part.isAgain ? await look() : undefined;
    const { refund, fetched } =
      known ??
      (await sendKeyed(context, session, {
        operationKey,
        send: (idempotencyKey) => createRefund(stripe, session, params, idempotencyKey),
        async lookUp() {
          const found = await look();
          // A second refund must be ruled out: the next key is used only if the list shows every refund of the payment.
          if (found === undefined) await assertAllListed(stripe, session, paymentIntentId);
          return found;
        },
      }));
    return await store.recordAnswer({ ...input, confirmed: fetched }, providerRefund(refund));
  } catch (error) {
    const reason = refusalOf(error);
    if (reason === undefined) throw error;
    return store.recordRefusal({ ...input, reason });
  }
}

/** Fetches the parts that the provider has or may have, and records them. */
async function syncRefund(
  context: PaymentContext,
  store: RefundStore,
  input: FollowRefundInput,
): Promise<RefundChange> {
  return eachPart(context, store, input, 'syncRefund', (session, part) =>
    part.providerRefundId === undefined
      ? findRefund(context.stripe, session, part.paymentIntentId, operationKeys.refund(input.refundId, part.part))
      : retrieveRefund(context.stripe, session, part.providerRefundId),
  );
}

async function cancelParts(
  context: PaymentContext,
  store: RefundStore,
  input: FollowRefundInput,
): Promise<RefundChange> {
  return eachPart(context, store, input, 'cancelRefund', (session, part) => {
    if (part.providerRefundId === undefined) return Promise.resolve(undefined);
    return part.status === 'requires_action'
      ? cancelRefund(context.stripe, session, part.providerRefundId)
      : retrieveRefund(context.stripe, session, part.providerRefundId);
  });
}

async function eachPart(
  context: PaymentContext,
  store: RefundStore,
  input: FollowRefundInput,
  operation: 'syncRefund' | 'cancelRefund',
  look: (session: ProviderSession, part: RefundPart) => ReturnType<typeof findRefund>,
): Promise<RefundChange> {
  const { refundId } = input;
  const refund = await store.known(refundId);
  const atRisk = `our record of refund ${refundId} may be out of date`;
  const priority = operation === 'cancelRefund' ? 'interactive' : 'background';
  return activity(context, { operation, orderId: refund.orderId, atRisk, priority }, async (session) => {
    let change: RefundChange = { refund, tell: false };
    for (const part of refund.parts) {
      if (isOver(part)) continue;
      const found = await look(session, part);
      if (found === undefined) continue;
      const next = await store.recordAnswer({ ...input, part: part.part, confirmed: true }, providerRefund(found));
      change = { refund: next.refund, tell: change.tell || next.tell };
    }
    return change;
  });
}

/** Failed and canceled refunds stay so at the provider. Of a failed one, the movement of the returned money appears a little later. */
function isOver({ status, providerRefundId, failureBalanceTransaction }: RefundPart): boolean {
  if (status === 'canceled') return true;
  return status === 'failed' && (providerRefundId === undefined || failureBalanceTransaction !== undefined);
}

/**
 * A refund with an id of ours was made by us, unless it is a duplicate: the provider may still execute a request that it answered
 * with a failure. The refund is fetched fresh, because the event that reported it may be out of date.
 */
async function adoptRefund(
  context: PaymentContext,
  store: RefundStore,
  { providerRefundId, now, policy }: Parameters<RefundProviderActivities['adoptRefund']>[0],
): Promise<AdoptRefundResult> {
  const atRisk = `${providerRefundId} may have refunded money that is missing in our ledger`;
  return activity(context, { operation: 'adoptRefund', atRisk, priority: 'background' }, async (session) => {
    const refund = await retrieveRefund(context.stripe, session, providerRefundId);
    const refundId = refund.metadata?.[metadataKeys.refund];
    const ours = refundId === undefined ? undefined : await store.getRefund(refundId);
    const isOther = (part: RefundPart) => part.providerRefundId !== undefined && part.providerRefundId !== refund.id;
    if (refundId !== undefined && ours?.parts.every(isOther) !== true) return { outcome: 'not_ours' };
    const answer = providerRefund(refund);
    return answer.paymentIntentId === '' ? { outcome: 'not_ours' } : store.recordElsewhere(answer, now, policy);
  });
}
