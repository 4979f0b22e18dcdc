import { defineSignal, defineUpdate } from '../kit/define';
import type { CancelCommand, CommandAnswer, DeliverCommand, Refusal, ShipCommand } from '../domain/order/commands';
import type { LineQuantity } from '../domain/order/lines';
import type { OrderFacts } from '../domain/order/order';
import type { AuthorizePaymentInput, CapturePaymentInput, ShipmentRecord } from '../payment/ports';

/** Start argument of the order workflow: everything else is in Postgres. */
export interface OrderInput {
  readonly orderId: string;
  /** What a run that continues as new hands to the next: steps whose outcome is not known. */
  readonly unsettled?: UnfinishedSteps;
  /** A replaced hold could not be voided, and its exception is open. */
  readonly letGoFailed?: boolean;
  readonly refusedCaptures?: readonly RefusedCapture[];
}

/** A capture that the provider refused while its hold was open. */
export interface RefusedCapture {
  /** The parcel with the pieces of it that have not shipped since; absent for the money of the whole order. */
  readonly parcel?: Pick<ShipmentRecord, 'shipmentId' | 'trackingNumber' | 'lines'>;
  readonly paymentIntentId: string;
  readonly code: string;
  readonly message: string;
}

/** Steps of an order that failed permanently or whose outcome is not known; tried again until it is. */
export interface UnfinishedSteps {
  readonly capture?: CapturePaymentInput;
  readonly cancel?: CancelCommand;
  readonly authorization?: AuthorizePaymentInput;
}

export type ShipAnswer = CommandAnswer<{
  readonly shipmentId: string;
  readonly capturedAmount: number;
  readonly state: OrderFacts['state'];
  readonly paymentState: OrderFacts['paymentState'];
}>;

export type CancelAnswer = CommandAnswer<{
  readonly state: OrderFacts['state'];
  readonly releasedAmount: number;
  readonly cancelledLines: readonly LineQuantity[];
}>;

export type DeliverAnswer = CommandAnswer<{ readonly state: OrderFacts['state'] }>;

/** Answer of the bank to another payment method for an order whose hold could not be renewed. */
export type RenewPaymentAnswer =
  | { readonly accepted: true; readonly state: 'authorized'; readonly captureBefore: string }
  | { readonly accepted: true; readonly state: 'requires_action'; readonly clientSecret: string }
  | { readonly accepted: true; readonly state: 'declined'; readonly declineCode: string; readonly retryUntil: string }
  | Refusal;

/** A person's decision on an expiring hold (policy `ask`), or on an order whose hold somebody cancelled at the provider. */
export interface HoldDecision {
  readonly action: 'reauthorize' | 'capture' | 'cancel';
  readonly actor: string;
}

export const shipOrder = defineUpdate<ShipAnswer, [ShipCommand]>('ship');

export const cancelOrder = defineUpdate<CancelAnswer, [CancelCommand]>('cancel');

export const deliverOrder = defineUpdate<DeliverAnswer, [DeliverCommand]>('deliver');

export const renewPayment = defineUpdate<RenewPaymentAnswer, [{ readonly paymentMethod: string }]>('renewPayment');

export const decideHold = defineUpdate<CommandAnswer<{ readonly state: OrderFacts['state'] }>, [HoldDecision]>(
  'decideHold',
);

/** Another workflow changed the order's record (a refund, a dispute): load it afresh. */
export const orderChanged = defineSignal('orderChanged');
