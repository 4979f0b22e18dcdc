import { randomUUID } from 'node:crypto';
import type { CheckoutRequest } from '../../clients/client';
import type { OrderView } from '../../workflows/domain/order/view';
import type { SubscriptionView } from '../../workflows/domain/subscription/view';

/** The gateway's answers; which fields are present depends on the status. */
export interface AnswerBody {
  readonly orderId?: string;
  readonly state?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly declineCode?: string;
  readonly paymentIntentId?: string;
  readonly capturedAmount?: number;
  readonly sku?: string;
  readonly refundId?: string;
  readonly amount?: number;
  readonly refundable?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: AnswerBody;
}

export interface Lines {
  readonly sku: string;
  readonly quantity: number;
}

/** The shop's side of the gateway: plain HTTP with the API key, as any other program would send it. */
export class Shop {
  private parcels = 0;

  constructor(
    private readonly options: {
      readonly url: string;
      readonly apiKey: string;
      readonly run: string;
      readonly signal: AbortSignal;
    },
  ) {}

  checkout(cart: CheckoutRequest): Promise<Answer> {
    return this.send('POST', '/v1/checkouts', cart);
  }

  ship(orderId: string, lines: readonly Lines[]): Promise<Answer> {
    this.parcels += 1;
    const trackingNumber = `${this.options.run}-${this.parcels}`;
    return this.send('POST', `/v1/orders/${orderId}/shipments`, { lines, carrier: 'dhl', trackingNumber });
  }

  cancel(orderId: string, reason: string): Promise<Answer> {
    return this.send('POST', `/v1/orders/${orderId}/cancel`, { reason });
  }

  deliver(orderId: string): Promise<Answer> {
    return this.send('POST', `/v1/orders/${orderId}/deliveries`, {});
  }

  /** The order, or undefined where there is none (yet). */
  async order(orderId: string): Promise<OrderView | undefined> {
    const { status, body } = await this.send('GET', `/v1/orders/${orderId}`);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`The order ${orderId} could not be read: ${status} ${body.detail ?? ''}`);
    return body as unknown as OrderView;
  }

  refund(orderId: string, amount: number, reason: string): Promise<Answer> {
    return this.send('POST', `/v1/orders/${orderId}/refunds`, { amount, reason });
  }

  resolveRefund(refundId: string, reference: string): Promise<Answer> {
    const resolution = { action: 'manual_transfer', actor: 'clerk-7', reference };
    return this.send('POST', `/v1/refunds/${refundId}/resolution`, resolution);
  }

  decideDispute(disputeId: string, decision: object): Promise<Answer> {
    return this.send('POST', `/v1/disputes/${disputeId}/decision`, { actor: 'clerk-7', ...decision });
  }

  /** The subscription, or undefined where it is not known (yet). */
  async subscription(subscriptionId: string): Promise<SubscriptionView | undefined> {
    const { status, body } = await this.send('GET', `/v1/subscriptions/${subscriptionId}`);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`The subscription ${subscriptionId} could not be read: ${status}`);
    return body as unknown as SubscriptionView;
  }

  private async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const { url, apiKey, signal } = this.options;
    const response = await fetch(`${url}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as AnswerBody };
  }
}
