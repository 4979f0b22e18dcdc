import type { SubscriptionView } from '../../../workflows/domain/subscription/view';

/** A renewal that was refused once, of which the customer was told; a plan was changed before. */
export function subscriptionView(subscriptionId: string, changes: Partial<SubscriptionView> = {}): SubscriptionView {
  const item = {
    itemId: 'si_1',
    priceId: 'price_1',
    productName: 'Coffee club',
    unitAmount: 1_900,
    quantity: 1,
    interval: 'month',
    intervalCount: 1,
  } as const;
  return {
    subscriptionId,
    stripeCustomerId: 'cus_1',
    providerStatus: 'past_due',
    stage: 'past_due',
    trial: 'converted',
    entitled: true,
    exhausted: false,
    currency: 'eur',
    items: [item],
    cancelAtPeriodEnd: false,
    hasPaymentMethod: true,
    currentPeriodEnd: '2026-04-01T00:00:00.000Z',
    trialEndsAt: '2026-01-01T00:00:00.000Z',
    invoice: {
      invoiceId: 'in_1',
      status: 'open',
      billingReason: 'subscription_cycle',
      amountDue: 1_900,
      amountPaid: 0,
      currency: 'eur',
      attemptCount: 1,
      nextAttemptAt: '2026-03-02T01:00:00.000Z',
      createdAt: '2026-03-01T00:00:00.000Z',
      failedAt: '2026-03-01T01:00:00.000Z',
      declineCode: 'insufficient_funds',
      declineClass: 'soft',
      prorationAmount: -250,
    },
    notices: [
      {
        noticeKey: 'dunning:in_1:1:payment_failed',
        kind: 'payment_failed',
        status: 'sent',
        dueAt: '2026-03-01T08:00:00.000Z',
        sentAt: '2026-03-01T08:00:01.000Z',
      },
    ],
    changes: [
      { kind: 'plan', before: [{ ...item, quantity: 2 }], after: [item], occurredAt: '2026-02-10T00:00:00.000Z' },
      {
        kind: 'proration',
        invoiceId: 'in_1',
        prorationAmount: -250,
        currency: 'eur',
        occurredAt: '2026-03-01T00:00:00.000Z',
      },
    ],
    waitingOn: 'provider',
    waitingUntil: '2026-03-15T00:00:00.000Z',
    waitingFor: 'the payment failed and is tried again',
    fetchedAt: '2026-03-01T01:01:00.000Z',
    recordedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}
