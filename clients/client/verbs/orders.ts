import type { CallOptions } from '../options';
import type {
  CancelRequest,
  CheckoutRequest,
  DeliveryRequest,
  HoldDecisionRequest,
  PaymentMethodRequest,
  ShipmentRequest,
} from '../../schemas/orders';
import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import type { CommandAnswer } from '../../../workflows/domain/order/commands';
import type { OrderState } from '../../../workflows/domain/order/state';
import type { CancelAnswer, DeliverAnswer, RenewPaymentAnswer, ShipAnswer } from '../../../workflows/order/messages';
import type { SettlementSummary } from '../../../workflows/settlement/ports';

export type HoldDecisionAnswer = CommandAnswer<{ readonly state: OrderState }>;

/** Holdfast's verbs for carts, orders and their payments. Errors are those of every verb. */
export interface OrderVerbs {
  /** Buys a cart. The same cart again gives the same order, or tries this payment method on the same PaymentIntent. */
  checkout(request: CheckoutRequest, options?: CallOptions): Promise<CheckoutAnswer>;
  /** Records that lines are handed to a carrier, and captures their price. */
  ship(orderId: string, request: ShipmentRequest, options?: CallOptions): Promise<ShipAnswer>;
  /** Cancels the unshipped lines: voids the hold and releases the stock. */
  cancel(orderId: string, request: CancelRequest, options?: CallOptions): Promise<CancelAnswer>;
  /** Records that parcels have arrived. */
  deliver(orderId: string, request?: DeliveryRequest, options?: CallOptions): Promise<DeliverAnswer>;
  /** Uses another payment method for an order whose hold the bank refused to renew. */
  renewPayment(orderId: string, request: PaymentMethodRequest, options?: CallOptions): Promise<RenewPaymentAnswer>;
  /** A person's decision on an expiring hold. */
  decideHold(orderId: string, request: HoldDecisionRequest, options?: CallOptions): Promise<HoldDecisionAnswer>;
  /** Compares a day's ledger with the provider's balance now. `date`: a day in UTC, `YYYY-MM-DD`. */
  reconcile(date: string): Promise<SettlementSummary>;
}
