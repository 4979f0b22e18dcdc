import { z } from 'zod';

// `data` of the events of refunds, disputes and fraud warnings, version 1 of each: see ./events.

const amount = z.int().min(0).describe('Minor units');
const currency = z.string().regex(/^[a-z]{3}$/);
const time = z.iso.datetime();
const refund = { refundId: z.string().min(1), amount, currency };
const dispute = { disputeId: z.string().min(1), paymentIntentId: z.string().min(1), amount, currency };
const round = z.int().min(1).describe('An inquiry that becomes a dispute is opened again as the next round');
const lineQuantity = z.object({ sku: z.string(), quantity: z.int().min(1) });

export const afterSaleEventData = {
  RefundPending: z.object({
    ...refund,
    reason: z.string(),
    actor: z.string(),
    lines: z.array(lineQuantity).optional(),
  }),
  RefundSucceeded: z.object({ ...refund, part: z.int().min(1), paymentIntentId: z.string() }),
  RefundFailed: z.object({
    ...refund,
    part: z.int().min(1),
    paymentIntentId: z.string(),
    reason: z.string(),
    afterSuccess: z.boolean().describe('The refund had succeeded before, and the customer was notified of that'),
  }),
  RefundCanceled: z.object({
    ...refund,
    part: z.int().min(1).optional().describe('Absent where no part was requested yet'),
    paymentIntentId: z.string().optional(),
    reason: z.string(),
  }),
  RefundResolved: z.object({ ...refund, action: z.string(), actor: z.string(), reference: z.string().optional() }),
  DisputeOpened: z.object({ ...dispute, reason: z.string(), inquiry: z.boolean(), dueBy: time.nullable(), round }),
  DisputeEvidenceSubmitted: z.object({
    ...dispute,
    actor: z
      .string()
      .describe('`holdfast` where no person decided in time, `elsewhere` where it was sent without Holdfast'),
    round,
  }),
  DisputeFundsMoved: z.object({
    ...dispute,
    direction: z.enum(['withdrawn', 'reinstated']),
    moved: amount,
    fee: z.int().describe('Minor units of `feeCurrency`; negative where it was given back'),
    feeCurrency: currency.describe("Currency of the balance, which may differ from the order's"),
  }),
  DisputeClosed: z.object({ ...dispute, outcome: z.string() }),
  FraudWarningReceived: z.object({
    warningId: z.string().min(1),
    paymentIntentId: z.string(),
    fraudType: z.string(),
    actionable: z.boolean(),
  }),
} as const;
