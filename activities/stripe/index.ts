export {
  accountScope,
  createStripeClient,
  STRIPE_API_VERSION,
  STRIPE_TIMEOUT_MS,
  type StripeClientOptions,
} from './client';
export { paymentContext, type PaymentContext, type PaymentDependencies, type PaymentLog } from './context';
export { createProviderContacts, type ProviderContact } from './contacts';
export { createDisputeActivities } from './disputes/disputes';
export { createFraudWarningActivities } from './disputes/fraud-warnings';
export { createDuplicateCanceller, type UnrecordedPayment } from './payments/duplicates';
export { createRefundActivities } from './refunds/refunds';
export { createPaymentOwners, type PaymentOwners } from './webhooks/owners';
export { createPaymentActivities } from './payments/payments';
export {
  createStripeLimiter,
  LimiterBusy,
  type RequestLimiter,
  type RequestLimits,
  type RequestPriority,
} from './limiter';
export { readProviderRefunds, readProviderTruth, type ProviderGivenBack, type ProviderPayment } from './provider-audit';
export {
  createEventLister,
  createWebhookVerifier,
  isName,
  WebhookRejected,
  type EventLister,
  type RejectionReason,
  type VerifiedEvent,
  type WebhookVerifier,
  type WebhookVerifierOptions,
} from './webhooks/webhooks';
export { createSettlementActivities } from './settlement/settlement';
export {
  createSubscriptionActivities,
  createSubscriptionRefresher,
  type RefreshedSubscription,
  type SubscriptionContext,
  type SubscriptionRefresher,
} from './subscriptions/subscriptions';
