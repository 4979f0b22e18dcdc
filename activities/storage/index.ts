/** The public parts of storage, except `migrate` (./postgres/migrate), which needs a library that tests cannot load. */
export { createPool, type PoolOptions } from './postgres/database';
export { createDisputeQueries, type DisputeQueries } from './disputes/queries';
export { createDisputeStore, type DisputeStore } from './disputes/store';
export type { EvidenceFields, EvidenceSource } from './disputes/evidence';
export { createFraudWarningStore, type FraudWarningStore } from './disputes/fraud-warning-store';
export { createIdempotencyStore, type IdempotencyBegin, type IdempotencyStore } from './postgres/idempotency';
export {
  createInbox,
  type ClaimedEvent,
  type Inbox,
  type InboxLane,
  type InboxStatus,
  type ProviderEvent,
} from './events/inbox';
export { checkMoneyInvariants, type Violation } from './audit/invariants';
export {
  createNoticeStore,
  type ChannelStates,
  type ClaimedNotice,
  type ListNotices,
  type NoticeOutcome,
  type NoticeStore,
} from './notices/store';
export { createOrderContacts, type OrderContact } from './orders/contact';
export { createRateQueries, type RateQueries } from './payments/authorization-rates';
export { createOrderQueries, type ListOrders, type OrderQueries } from './orders/queries';
export { createOrderStore, type OrderStoreDeps } from './orders/store';
export { createOutbox, type Outbox } from './events/outbox';
export { createPaymentStore, type PaymentStoreDeps } from './payments/create-store';
export type * from './payments/store';
export { DEFAULT_RETENTION, LEAST_RETENTION, prune, type Pruned, type Retention } from './postgres/prune';
export { createRefundStore, type RefundStore } from './refunds/store';
export { type ProviderRefund } from './refunds/provider-refund';
export { createSampleCatalogue, sampleItems, sampleSkus, sampleWarehouses } from './inventory/sample-catalogue';
export { readEncryptedSample, readSchemaState, type SchemaState } from './postgres/setup-state';
export { createSettlementStore, type LedgerPosition, type SettlementStore } from './settlement/settlement';
export { createSubscriptionQueries, type ListSubscriptions, type SubscriptionQueries } from './subscriptions/queries';
export {
  createSubscriptionStore,
  type RecordSubscriptionInput,
  type RecordSubscriptionResult,
  type SubscriptionStore,
} from './subscriptions/store';
