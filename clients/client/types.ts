/** What both clients accept and answer. */
export type { CallOptions } from './options';
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
export type { FieldProblem } from '../../workflows/domain/shared/errors';
export type { OrderView } from '../../workflows/domain/order/view';
export type { SubscriptionView } from '../../workflows/domain/subscription/view';
export type { RefundResult, RefundVoided } from './verbs/refunds';
export type { RefundBody, RefundCancelBody, ResolutionBody } from '../schemas/refunds';
export type { RefundAccepted, RefundAnswer, RefundCommandAnswer, RefundRefusal } from '../../workflows/refund/messages';
export type { RefundFacts, RefundPart, RefundState } from '../../workflows/domain/refund/refund';
export type { DisputeDecisionBody, FraudWarningDecisionBody } from '../schemas/disputes';
export type { DisputeAnswer, DisputeRefusalReason } from '../../workflows/dispute/messages';
export type { FraudWarningAnswer } from '../../workflows/fraud-warning/messages';
export type { DisputeView, FraudWarningView } from '../../workflows/domain/dispute/view';
export type { PayAnswer, PayRefusalReason } from '../../workflows/subscription/messages';
export type { SettlementSummary } from '../../workflows/settlement/ports';
export type { HoldDecisionAnswer, OrderVerbs } from './verbs/orders';
