import { metadataKeys } from '../../activities/stripe/metadata';
import type { FaultRule, WebhookFaults } from '../embedded/stripe/server';

/** A PaymentIntent in the simulator's state. Amounts in minor units. */
export interface SimulatedPayment {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly amount_capturable: number;
  readonly amount_received: number;
  readonly customer: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A refund in the simulator's state. */
export interface SimulatedRefund {
  readonly id: string;
  readonly payment_intent: string | null;
  readonly amount: number;
  readonly status: string;
}

/** A dispute in the simulator's state, with the movements of the shop's balance. */
export interface SimulatedDispute {
  readonly id: string;
  readonly payment_intent: string | null;
  readonly status: string;
  readonly balance_transactions: readonly { readonly amount: number }[];
}

/** The simulator's state of the demo's payments. */
export interface BankState {
  readonly payments: readonly SimulatedPayment[];
  readonly refunds: readonly SimulatedRefund[];
  readonly disputes: readonly SimulatedDispute[];
}

export interface SimulatedEvent {
  readonly id: string;
  readonly delivery: string;
}

/** Plays the bank and the customers, over the control API of the Stripe simulator. */
export class Bank {
  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
  ) {}

  payments(): Promise<SimulatedPayment[]> {
    return this.send('GET', '/state/payment_intents');
  }

  async paymentsOf(cartId: string): Promise<SimulatedPayment[]> {
    return (await this.payments()).filter((payment) => cartOf(payment) === cartId);
  }

  async chargesOf(paymentIntentId: string): Promise<number> {
    const charges = await this.send<{ payment_intent: string }[]>('GET', '/state/charges');
    return charges.filter((charge) => charge.payment_intent === paymentIntentId).length;
  }

  events(): Promise<SimulatedEvent[]> {
    return this.send('GET', '/state/events');
  }

  /** Sets how long the next hold for this cart lasts. */
  async shortHold(cartId: string, durationMs: number): Promise<void> {
    await this.send('POST', '/holds/next', { durationMs, match: { metadata: { [metadataKeys.cart]: cartId } } });
  }

  /** From now on the issuer declines this customer's card in off-session payments. */
  async refuse(customer: string, declineCode: string): Promise<void> {
    await this.send('POST', '/decisions', { target: customer, outcome: declineCode });
  }

  /** The customer passes 3-D Secure on the bank's page. */
  async authenticate(paymentIntentId: string): Promise<void> {
    await this.send('POST', `/authenticate/${paymentIntentId}`, { result: 'succeed' });
  }

  /** Sets the issuer's answers to the next charges of this customer; afterwards the test card decides. */
  async refuseTimes(customer: string, declineCodes: readonly string[]): Promise<void> {
    await this.send('POST', '/decisions', { target: customer, outcome: declineCodes });
  }

  /** Sets how renewals are collected; see the simulator's settings. */
  async billing(changes: object): Promise<void> {
    await this.send('POST', '/billing', changes);
  }

  /** Payments of invoices, by PaymentIntent: money of subscriptions, which is not in the ledgers of orders. */
  async invoicePayments(): Promise<ReadonlySet<string>> {
    type Paid = { readonly payment: { readonly payment_intent?: string } };
    const paid = await this.send<Paid[]>('GET', '/state/invoice_payments');
    return new Set(paid.flatMap(({ payment }) => payment.payment_intent ?? []));
  }

  refunds(): Promise<SimulatedRefund[]> {
    return this.send('GET', '/state/refunds');
  }

  disputes(): Promise<SimulatedDispute[]> {
    return this.send('GET', '/state/disputes');
  }

  async addFault(rule: FaultRule): Promise<string> {
    return (await this.send<{ id: string }>('POST', '/faults', rule)).id;
  }

  /** Is this fault holding back an answer now? */
  async isHolding(faultId: string): Promise<boolean> {
    const faults = await this.send<{ id: string; held: number }[]>('GET', '/faults');
    return faults.some((fault) => fault.id === faultId && fault.held > 0);
  }

  async removeFault(id: string): Promise<void> {
    await this.send('DELETE', `/faults/${id}`);
  }

  async webhookFaults(faults: WebhookFaults): Promise<void> {
    await this.send('POST', '/webhooks/faults', faults);
  }

  /** Resolves once no webhook is under way. */
  async webhooksArrived(): Promise<void> {
    await this.send('POST', '/webhooks/flush');
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/_simulator${path}`, {
      method,
      signal: this.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as T & { error?: string };
    if (!response.ok) throw new Error(`The simulator refused ${method} ${path}: ${answer.error ?? response.status}`);
    return answer;
  }
}

/** The cart of a payment; empty for a payment that is not ours. */
export function cartOf(payment: SimulatedPayment): string {
  return payment.metadata[metadataKeys.cart] ?? '';
}

/** The order of a payment; empty for a payment that is not ours. */
export function orderOf(payment: SimulatedPayment): string {
  return payment.metadata[metadataKeys.order] ?? '';
}
