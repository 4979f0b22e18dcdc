import { z } from 'zod';

// Refunds and disputes as the gateway shows them, for its documentation; a test compares them with the types.

const amount = z.int().min(0).describe('Minor units');
const time = z.iso.datetime();

export const refundState = z.enum([
  'waiting',
  'pending',
  'requires_action',
  'succeeded',
  'failed',
  'canceled',
  'resolved',
]);

export const refundAnswer = z.object({
  refundId: z.string(),
  orderId: z.string(),
  state: refundState,
  amount,
  currency: z.string(),
  lines: z
    .array(
      z.object({
        sku: z.string(),
        quantity: z.int(),
        cancelled: z.int().optional().describe('Pieces that had not shipped and were cancelled'),
      }),
    )
    .optional(),
  reason: z.string(),
  actor: z.string().describe('`elsewhere` for a refund made at the provider without Holdfast'),
  parts: z.array(
    z.object({
      part: z.int(),
      attempt: z.int(),
      paymentIntentId: z.string(),
      amount,
      status: z.enum(['begun', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled']),
      providerRefundId: z.string().optional(),
      failureReason: z.string().optional(),
      pendingReason: z.string().optional(),
      failureBalanceTransaction: z.string().optional(),
      createdAt: time.optional(),
      settledAt: time.optional(),
      resolvedAt: time.optional().describe('When a person resolved it in another way'),
    }),
  ),
  requestedAt: time,
  settleBy: time,
  watchUntil: time.optional(),
  resolution: z
    .object({
      action: z.enum(['another_refund', 'manual_transfer', 'dismiss']),
      actor: z.string(),
      reference: z.string().optional(),
      at: time,
    })
    .optional(),
  endedReason: z.string().optional().describe('Why it was given up before any money moved'),
});

export const disputeAnswer = z.object({
  disputeId: z.string(),
  orderId: z.string(),
  paymentIntentId: z.string(),
  stage: z.enum(['evidence_due', 'under_review', 'won', 'lost', 'warning_closed', 'prevented']),
  providerStatus: z.string(),
  isInquiry: z.boolean(),
  amount,
  currency: z.string(),
  reason: z.string(),
  openedAt: time,
  dueBy: time.optional(),
  withdrawn: z.int(),
  submittedAt: time.optional(),
  closedAt: time.optional(),
});
