import { z } from 'zod';
import type { SubscriptionEventType } from '../../workflows/domain/subscription/events';

// Events of subscriptions, as consumers get them. Versions, repeats and sequences are those of ./events.

const amount = z.int().min(0).describe('Minor units');
const currency = z.string().regex(/^[a-z]{3}$/);
const time = z.iso.datetime();
const stage = z.enum([
  'incomplete',
  'incomplete_expired',
  'trialing',
  'trial_payment_failed',
  'active',
  'past_due',
  'unpaid',
  'paused',
  'canceled',
]);
const trial = z.enum(['never', 'running', 'converted', 'conversion_failed', 'ended_unconverted']);
const invoiceId = z.string().min(1);
const items = z.array(
  z.object({
    itemId: z.string(),
    priceId: z.string(),
    productName: z.string(),
    unitAmount: amount.describe('Minor units for one piece and period'),
    quantity: z.int().min(0),
    interval: z.enum(['day', 'week', 'month', 'year']),
    intervalCount: z.int().min(1),
  }),
);

/** `data` of every type of event of a subscription. */
export const subscriptionEventData = {
  SubscriptionStarted: z.object({
    stripeCustomerId: z.string(),
    stage,
    trial,
    currency,
    items,
    trialEndsAt: time.nullable(),
  }),
  SubscriptionStageChanged: z.object({ from: stage, to: stage, trial }),
  SubscriptionPlanChanged: z.object({ before: items, after: items }),
  SubscriptionProrated: z.object({
    invoiceId,
    amount: z.int().describe('Minor units; credits are negative'),
    currency,
  }),
  SubscriptionCancellationScheduled: z.object({ at: time.nullable() }),
  SubscriptionCancellationWithdrawn: z.object({}),
  SubscriptionPaid: z.object({ invoiceId, amount, currency, billingReason: z.string() }),
  SubscriptionPaymentFailed: z.object({
    invoiceId,
    amount: amount.describe('The amount owed, in minor units'),
    currency,
    attemptCount: z.int().min(1),
    declineCode: z.string().nullable(),
    declineClass: z.enum(['soft', 'hard', 'authentication']).nullable(),
    nextAttemptAt: time
      .nullable()
      .describe('Null does not mean that no attempt follows: the provider may not have planned it yet'),
    ofTrial: z.boolean().describe('The first payment after a trial: the customer has not paid anything yet'),
  }),
  SubscriptionRecovered: z.object({ from: stage, invoiceId: invoiceId.nullable() }),
  SubscriptionEnded: z.object({ stage, endedAt: time.nullable() }),
  EntitlementGranted: z.object({ stage }),
  EntitlementRevoked: z.object({ stage }),
  ExceptionRaised: z.object({ kind: z.string(), message: z.string(), owner: z.string() }),
  ExceptionResolved: z.object({ kind: z.string() }),
} as const satisfies Readonly<Record<SubscriptionEventType, z.ZodObject>>;

function event<Type extends SubscriptionEventType>(type: Type) {
  return z.object({
    eventId: z.uuid(),
    type: z.literal(type),
    version: z.literal(1),
    subscriptionId: z.string().min(1),
    sequence: z.int().min(1),
    occurredAt: time,
    causation: z.string().min(1).describe('The operation key that caused it'),
    traceId: z.string().regex(/^[0-9a-f]{32}$/),
    data: subscriptionEventData[type],
  });
}

/** Any event of a subscription, discriminated by `type`. */
export const subscriptionEventSchema = z.discriminatedUnion('type', [
  event('SubscriptionStarted'),
  event('SubscriptionStageChanged'),
  event('SubscriptionPlanChanged'),
  event('SubscriptionProrated'),
  event('SubscriptionCancellationScheduled'),
  event('SubscriptionCancellationWithdrawn'),
  event('SubscriptionPaid'),
  event('SubscriptionPaymentFailed'),
  event('SubscriptionRecovered'),
  event('SubscriptionEnded'),
  event('EntitlementGranted'),
  event('EntitlementRevoked'),
  event('ExceptionRaised'),
  event('ExceptionResolved'),
]);

/** An event of a subscription with the `data` of its type. */
export type SubscriptionEvent = z.output<typeof subscriptionEventSchema>;
export type SubscriptionEventOf<Type extends SubscriptionEventType> = Extract<SubscriptionEvent, { type: Type }>;
