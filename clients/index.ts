/** The package's public face: the typed client, its errors, and what it says and is told. */
export { createHoldfastClient } from './client';
export type { CallOptions, HoldfastClient, HoldfastClientOptions } from './client';
export { Misconfigured, OutcomePending, ServiceUnavailable, ValidationError } from './errors';
export { orderEventData, orderEventSchema } from './events';
export type { OrderEvent, OrderEventOf } from './events';
export { subscriptionEventData, subscriptionEventSchema } from './subscription-events';
export type { SubscriptionEvent, SubscriptionEventOf } from './subscription-events';
export type { OrderEventType } from '../workflows/domain/events';
export type { SubscriptionEventType } from '../workflows/domain/subscription-events';
export { searchAttributes } from '../workflows/search-attributes';
export type {
  CancelRequest,
  CheckoutRequest,
  DeliveryRequest,
  HoldDecisionRequest,
  PaymentMethodRequest,
  ShipmentRequest,
} from './schemas';
export type {
  CancelAnswer,
  CheckoutAnswer,
  CommandAnswer,
  DeliverAnswer,
  RefusalReason,
  RenewPaymentAnswer,
  ShipAnswer,
  WorkflowStatus,
} from '../workflows/messages';
export type { FieldProblem } from '../workflows/domain/errors';
export type { OrderView } from '../workflows/domain/order-view';
export type { SubscriptionView } from '../workflows/domain/subscription-view';
export type { PayAnswer, PayRefusalReason, SubscriptionStatus } from '../workflows/subscription-messages';
export { DEFAULT_DUNNING_POLICY } from '../workflows/domain/dunning-policy';
export type { DunningPolicy } from '../workflows/domain/subscription';
export type { RefundResult, RefundVoided } from './refund-requests';
export type { RefundBody, RefundCancelBody, ResolutionBody } from './refund-schemas';
export type { RefundAccepted, RefundAnswer, RefundCommandAnswer, RefundRefusal } from '../workflows/refund-messages';
export type { RefundFacts, RefundPart, RefundPolicy, RefundState } from '../workflows/domain/refund';
export type { DisputeDecisionBody, FraudWarningDecisionBody } from './dispute-schemas';
export type { DisputeAnswer, DisputeRefusalReason, FraudWarningAnswer } from '../workflows/dispute-messages';
export type { DisputeView, FraudWarningView } from '../workflows/domain/dispute-view';
export { DEFAULT_DISPUTE_POLICY } from '../workflows/domain/dispute-plan';
export type { DisputePolicy } from '../workflows/domain/dispute-plan';
export { DEFAULT_FRAUD_WARNING_POLICY } from '../workflows/domain/fraud-warning';
export type { FraudWarningPolicy } from '../workflows/domain/fraud-warning';
export { DEFAULT_REFUND_POLICY } from '../workflows/domain/refund';
export { DEFAULT_POLICY } from '../workflows/domain/policy';
export type { OrderPolicy } from '../workflows/domain/policy';
