/** The package's public face: the typed client, its errors, and what it says and is told. */
export { createHoldfastClient } from './client';
export type { CallOptions } from './options';
export type { HoldfastClient, HoldfastClientOptions } from './client';
export { Misconfigured, OutcomePending, ServiceUnavailable, ValidationError } from './errors';
export { orderEventData, orderEventSchema } from '../events/events';
export type { OrderEvent, OrderEventOf } from '../events/events';
export { subscriptionEventData, subscriptionEventSchema } from '../events/subscription-events';
export type { SubscriptionEvent, SubscriptionEventOf } from '../events/subscription-events';
export type { OrderEventType } from '../../workflows/domain/shared/events';
export type { SubscriptionEventType } from '../../workflows/domain/subscription/events';
export { searchAttributes } from '../../workflows/kit/search-attributes';
export type {
  CancelRequest,
  CheckoutRequest,
  DeliveryRequest,
  HoldDecisionRequest,
  PaymentMethodRequest,
  ShipmentRequest,
} from '../schemas/orders';
export type { CancelAnswer, DeliverAnswer, RenewPaymentAnswer, ShipAnswer } from '../../workflows/order/messages';
export type { CheckoutAnswer } from '../../workflows/checkout/messages';
export type { CommandAnswer, RefusalReason } from '../../workflows/domain/order/commands';
export type { WorkflowStatus } from '../../workflows/kit/messages';
export type { FieldProblem } from '../../workflows/domain/shared/errors';
export type { OrderView } from '../../workflows/domain/order/view';
export type { SubscriptionView } from '../../workflows/domain/subscription/view';
export type { PayAnswer, PayRefusalReason, SubscriptionStatus } from '../../workflows/subscription/messages';
export { DEFAULT_DUNNING_POLICY } from '../../workflows/domain/dunning/policy';
export type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
export type { RefundResult, RefundVoided } from './verbs/refunds';
export type { RefundBody, RefundCancelBody, ResolutionBody } from '../schemas/refunds';
export type { RefundAccepted, RefundAnswer, RefundCommandAnswer, RefundRefusal } from '../../workflows/refund/messages';
export type { RefundFacts, RefundPart, RefundPolicy, RefundState } from '../../workflows/domain/refund/refund';
export type { DisputeDecisionBody, FraudWarningDecisionBody } from '../schemas/disputes';
export type { DisputeAnswer, DisputeRefusalReason } from '../../workflows/dispute/messages';
export type { FraudWarningAnswer } from '../../workflows/fraud-warning/messages';
export type { DisputeView, FraudWarningView } from '../../workflows/domain/dispute/view';
export { DEFAULT_DISPUTE_POLICY } from '../../workflows/domain/dispute/plan';
export type { DisputePolicy } from '../../workflows/domain/dispute/plan';
export { DEFAULT_FRAUD_WARNING_POLICY } from '../../workflows/domain/dispute/fraud-warning';
export type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
export { DEFAULT_REFUND_POLICY } from '../../workflows/domain/refund/refund';
export { DEFAULT_POLICY } from '../../workflows/domain/shared/policy';
export type { OrderPolicy } from '../../workflows/domain/shared/policy';
