import type { LineQuantity, OrderLine } from './lines';
import type { OrderAmounts, OrderFacts, Shipment } from './order';
import type { OrderException } from '../exception/exception';
import type { DisputeFacts } from '../dispute/dispute';
import type { RefundFacts } from '../refund/refund';
import type { Party } from '../shared/waiting';

/** Pieces of an order that are reserved in one warehouse. */
export interface Allocation extends LineQuantity {
  readonly warehouseId: string;
}

/** An order as the gateway, the client library and the command line show it; from Postgres, so it answers while workers are down. */
export interface OrderView {
  readonly orderId: string;
  readonly cartId: string;
  readonly channel: string;
  readonly state: OrderFacts['state'];
  readonly paymentState: OrderFacts['paymentState'];
  readonly currency: string;
  readonly amounts: OrderAmounts & { readonly heldNow: number };
  readonly captureBefore: string | null;
  readonly lines: readonly OrderLine[];
  /** Where the unshipped pieces are reserved. Left out in lists of orders. */
  readonly allocation?: readonly Allocation[];
  readonly shipments: readonly Shipment[];
  readonly refunds: readonly RefundFacts[];
  readonly disputes: readonly DisputeFacts[];
  /** Empty until returns exist. */
  readonly returns: readonly never[];
  readonly exception?: OrderException;
  readonly waitingOn?: Party;
  readonly waitingUntil?: string;
  readonly waitingFor?: string;
  readonly placedAt: string;
}
