import { z } from 'zod';
import type { SubscriptionView } from '../../workflows/domain/subscription/view';
import { boundedTime, listLimit, ownId } from './edge';
import { noticeAnswer } from './notices';
import { MAX_LIST } from './orders';

const STAGES = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'trial_payment_failed',
  'active',
  'past_due',
  'unpaid',
  'paused',
  'canceled',
] as const;
const PARTIES = ['customer', 'provider', 'carrier', 'warehouse', 'approver', 'supplier'] as const;

const amount = z.int().describe('Minor units');
const time = z.iso.datetime();

/** Path of everything under `/v1/subscriptions/{id}`. */
export const subscriptionParams = z.strictObject({ subscriptionId: ownId });

/** Query of `GET /v1/subscriptions`. */
export const listSubscriptionsQuery = z.strictObject({
  stage: z.enum(STAGES).optional(),
  limit: listLimit(MAX_LIST),
  before: boundedTime.optional().describe('`recordedAt` of the last subscription on the previous page'),
});

const item = z.object({
  itemId: z.string(),
  priceId: z.string(),
  productName: z.string(),
  unitAmount: amount,
  quantity: z.int(),
  interval: z.enum(['day', 'week', 'month', 'year']),
  intervalCount: z.int(),
});

const invoice = z.object({
  invoiceId: z.string(),
  status: z.enum(['draft', 'open', 'paid', 'uncollectible', 'void']),
  billingReason: z.string(),
  amountDue: amount,
  amountPaid: amount,
  currency: z.string(),
  attemptCount: z.int().describe('Increases after a hard decline, too, although the provider makes no attempt'),
  nextAttemptAt: time.optional(),
  createdAt: time,
  failedAt: time.optional(),
  declineCode: z.string().optional(),
  declineClass: z.enum(['soft', 'hard', 'authentication']).optional(),
  prorationAmount: amount.describe('Credits are negative'),
});

const change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('plan'), before: z.array(item), after: z.array(item), occurredAt: time }),
  z.object({
    kind: z.literal('proration'),
    invoiceId: z.string(),
    prorationAmount: amount.describe('Cost of a change of plan; negative for a credit'),
    currency: z.string(),
    occurredAt: time,
  }),
]);

export const subscriptionAnswer = z.object({
  subscriptionId: z.string(),
  stripeCustomerId: z.string(),
  providerStatus: z.string().describe("The provider's status; new values may appear"),
  stage: z.enum(STAGES),
  trial: z.enum(['never', 'running', 'converting', 'converted', 'conversion_failed', 'ended_unconverted']),
  entitled: z.boolean().describe('May the customer use it?'),
  exhausted: z.boolean().describe('The provider has given up collecting the invoice'),
  currency: z.string(),
  items: z.array(item),
  cancelAtPeriodEnd: z.boolean(),
  hasPaymentMethod: z.boolean(),
  currentPeriodEnd: time.optional(),
  trialEndsAt: time.optional(),
  endedAt: time.optional(),
  endReason: z.string().optional(),
  upcomingAmount: amount.optional().describe('The first charge after a running trial'),
  invoice: invoice.optional(),
  notices: z.array(noticeAnswer.pick({ noticeKey: true, kind: true, status: true, dueAt: true, sentAt: true })),
  changes: z.array(change),
  waitingOn: z.enum(PARTIES).optional(),
  waitingUntil: time.optional(),
  waitingFor: z.string().optional(),
  exception: z.object({ kind: z.string(), message: z.string(), owner: z.string(), raisedAt: time }).optional(),
  fetchedAt: time,
  recordedAt: time,
});
export const subscriptionsAnswer = z.object({ subscriptions: z.array(subscriptionAnswer) });

/** Fails to compile unless exactly the fields of the view are documented. */
type Documented = Record<keyof z.output<typeof subscriptionAnswer>, unknown>;
type Shown = Record<keyof SubscriptionView, unknown>;
export type SubscriptionFieldsAgree = Documented extends Shown ? (Shown extends Documented ? true : never) : never;

export const subscriptionPaid = z.object({
  subscriptionId: z.string(),
  outcome: z.enum(['paid', 'resumed', 'nothing_owed']),
  stage: z.enum(STAGES),
  entitled: z.boolean(),
});
export const subscriptionRequiresAction = z.object({
  subscriptionId: z.string(),
  outcome: z.literal('requires_action'),
  clientSecret: z.string(),
});

export type ListSubscriptionsQuery = z.output<typeof listSubscriptionsQuery>;
