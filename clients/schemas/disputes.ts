import { z } from 'zod';
import { listLimit, ownId, wellFormedLines } from './edge';
import { disputeAnswer, refundState } from './after-sale-answers';
import { actor, MAX_LIST } from './orders';

/** Paths of everything under `/v1/disputes/{id}` and `/v1/fraud-warnings/{id}`. */
export const disputeParams = z.strictObject({ disputeId: ownId });
export const fraudWarningParams = z.strictObject({ warningId: ownId });

/** The provider's limit of one text field. Source: Stripe API, update a dispute. */
const MAX_EVIDENCE_TEXT = 20_000;

const paragraphs = wellFormedLines(MAX_EVIDENCE_TEXT);

/** `POST /v1/disputes/{id}/decision`: a person's decision on an open dispute. */
export const disputeDecisionRequest = z.strictObject({
  action: z
    .enum(['submit', 'accept'])
    .describe('`submit` sends the collected evidence to the bank; `accept` gives up the money'),
  note: paragraphs.optional().describe('The reason; stored encrypted, not sent to the bank'),
  uncategorizedText: paragraphs
    .optional()
    .describe('Sent to the bank instead of the summary, e.g. with the messages of the customer'),
  actor,
});

/** `POST /v1/fraud-warnings/{id}/decision` */
export const fraudWarningDecisionRequest = z.strictObject({
  action: z
    .enum(['refund', 'ignore'])
    .describe('`refund` refunds everything that was captured for the order, before it is disputed'),
  actor,
});

const open = z.enum(['true', 'false']).optional().describe('true: only open ones; false: only closed ones');
const limit = listLimit(MAX_LIST);

/** Query of `GET /v1/disputes` and `GET /v1/fraud-warnings`. */
export const listDisputesQuery = z.strictObject({ open, limit });

const time = z.iso.datetime();
const orderState = z.enum(['placed', 'paid', 'allocated', 'fulfilled', 'shipped', 'delivered', 'cancelled']);
const lineQuantity = z.object({ sku: z.string(), quantity: z.int() });
const exception = z.object({ kind: z.string(), message: z.string(), owner: z.string(), raisedAt: time });
const waiting = {
  waitingOn: z.enum(['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier']).optional(),
  waitingUntil: time.optional(),
  waitingFor: z.string().optional(),
};

export const disputeViewAnswer = disputeAnswer.extend({
  round: z.int().min(1).describe('An inquiry that becomes a dispute begins the next round, with its own deadline'),
  roundBeganAt: time,
  warnedMs: z.array(z.int()).describe('Warnings given: milliseconds before the deadline'),
  evidenceCollectedAt: time.optional(),
  evidenceFields: z
    .array(z.string())
    .optional()
    .describe("Names of the fields that have a value; the values are in Stripe's dashboard"),
  decision: z
    .object({
      action: z.enum(['submit', 'accept', 'leave']),
      actor: z.string().describe('`holdfast` where no person decided in time'),
      at: time,
      attempt: z.int(),
      doneAt: time.optional(),
      refused: z.string().optional().describe('Why Stripe refused it'),
    })
    .optional(),
  feeAmount: z.int().describe('Minor units of `feeCurrency`, less the fees that were given back'),
  feeCurrency: z.string(),
  orderState,
  linesToShip: z.array(lineQuantity),
  openRefunds: z.array(z.string()),
  exceptions: z.array(exception),
  ...waiting,
});
export const disputesAnswer = z.object({ disputes: z.array(disputeViewAnswer) });
export const disputeDecided = z.object({
  disputeId: z.string(),
  stage: disputeAnswer.shape.stage,
  action: z.enum(['submit', 'accept']),
  doneAt: time,
});

export const fraudWarningAnswer = z.object({
  warningId: z.string(),
  orderId: z.string(),
  paymentIntentId: z.string(),
  chargeId: z.string(),
  fraudType: z.string().describe("The issuer's label, e.g. made_with_stolen_card"),
  actionable: z.boolean().describe('As Stripe reports it: neither disputed nor fully refunded'),
  receivedAt: time,
  currency: z.string(),
  refundable: z.int().describe('Minor units of the whole order that can be refunded'),
  linesToShip: z.array(lineQuantity),
  until: time,
  decision: z.object({ action: z.enum(['refund', 'ignore']), actor: z.string(), at: time }).optional(),
  refundId: z.string().optional(),
  refundState: refundState.optional(),
  ended: z.enum(['refunded', 'disputed', 'ignored', 'not_actionable', 'lapsed']).optional(),
  closedAt: time.optional(),
  exceptions: z.array(exception),
  ...waiting,
});
export const fraudWarningsAnswer = z.object({ fraudWarnings: z.array(fraudWarningAnswer) });
export const fraudWarningDecided = z.object({
  warningId: z.string(),
  action: z.enum(['refund', 'ignore']),
  refundId: z.string().optional(),
  ended: fraudWarningAnswer.shape.ended,
});

/** What callers may send. */
export type DisputeDecisionBody = z.input<typeof disputeDecisionRequest>;
export type FraudWarningDecisionBody = z.input<typeof fraudWarningDecisionRequest>;
