/** What storage offers. `migrate` stands apart (./migrate): it needs a library that tests cannot load. */
export { createPool, type PoolOptions } from './database';
export { createDisputeQueries, type DisputeQueries } from './dispute-queries';
export { createDisputeStore, type DisputeStore } from './dispute-store';
export type { EvidenceFields, EvidenceSource } from './dispute-evidence';
export { createFraudWarningStore, type FraudWarningStore } from './fraud-warning-store';
export { createIdempotencyStore, type IdempotencyBegin, type IdempotencyStore } from './idempotency';
export {
  createInbox,
  type ClaimedEvent,
  type Inbox,
  type InboxLane,
  type InboxStatus,
  type ProviderEvent,
} from './inbox';
export { checkMoneyInvariants, type Violation } from './invariants';
export {
  createNoticeStore,
  type ChannelStates,
  type ClaimedNotice,
  type ListNotices,
  type NoticeOutcome,
  type NoticeStore,
} from './notice-store';
export { createOrderContacts, type OrderContact } from './order-contact';
export { createRateQueries, type RateQueries } from './authorization-rates';
export { createOrderQueries, type ListOrders, type OrderQueries } from './order-queries';
export { createOrderStore, type OrderStoreDeps } from './order-store';
export { createOutbox, type Outbox } from './outbox';
export { createPaymentStore, type PaymentStoreDeps } from './create-payment-store';
export type * from './payment-store';
export { DEFAULT_RETENTION, LEAST_RETENTION, prune, type Pruned, type Retention } from './prune';
export { createRefundStore, type ProviderRefund, type RefundStore } from './refund-store';
export { createSampleCatalogue, sampleItems, sampleSkus, sampleWarehouses } from './sample-catalogue';
export { readEncryptedSample, readSchemaState, type SchemaState } from './setup-state';
export { createSettlementStore, type LedgerPosition, type SettlementStore } from './settlement';
export { createSubscriptionQueries, type ListSubscriptions, type SubscriptionQueries } from './subscription-queries';
export {
  createSubscriptionStore,
  type RecordSubscriptionInput,
  type RecordSubscriptionResult,
  type SubscriptionStore,
} from './subscription-store';
