import { CancellationScope, log, proxyLocalActivities } from '@temporalio/workflow';
import { STORAGE_OPTIONS } from './activity-options';
import type { CheckoutCounter } from './checkout-counter';
import { formatMoney, type Money } from './domain/money';
import type { OrderFacts } from './domain/order';
import { cartTotal } from './domain/shipment-amount';
import type { CheckoutAnswer, CheckoutInput } from './messages';
import type { OrderActivities, PaymentStatus, WithdrawOrderResult } from './ports';
import { insist } from './saga';
import type { ExceptionDesk, Saga, Undo } from './saga';

const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

export type Authorized = Extract<PaymentStatus, { status: 'authorized' }>;

/** What a checkout does once it is paid for: the stock is reserved, then the order is recorded. */
export class CheckoutRecord {
  constructor(
    private readonly input: CheckoutInput,
    private readonly counter: CheckoutCounter,
    private readonly saga: Saga,
    private readonly desk: ExceptionDesk,
  ) {}

  /**
   * Reserves and records; undefined where the checkout has ended otherwise. Where that fails, what is true is settled first:
   * the record either stands, or can not come any more.
   */
  async buy(payment: Authorized): Promise<OrderFacts | undefined> {
    try {
      return (await this.reserve()) ? await this.place(payment) : undefined;
    } catch (error) {
      log.error('the order could not be recorded: settling what is true', { error: String(error) });
      const facts = await this.settle();
      if (facts !== undefined) return facts;
      const message = 'The order could not be recorded; nothing is held. The same cart may be sent again.';
      this.counter.fail('order_unavailable', message);
      return undefined;
    }
  }

  /**
   * Is the order recorded? It stands, and is answered here; or it does not, and can not come any more. Asked before anything is
   * undone: a workflow task that fails takes the memory of its local activities with it, the record of the order included.
   */
  async settle(): Promise<OrderFacts | undefined> {
    const { orderId } = this.input;
    const withdraw: Undo<WithdrawOrderResult> = {
      name: 'find out whether the order was recorded',
      exceptionKind: 'withdraw_failed',
      atRisk: `${formatMoney(totalOf(this.input))} is held for ${orderId}, which may or may not be recorded.`,
      run: () => orders.withdrawOrder({ orderId }),
    };
    const settled = await CancellationScope.nonCancellable(() => insist(withdraw, this.desk));
    return settled.outcome === 'placed' ? settled.facts : undefined;
  }

  private async reserve(): Promise<boolean> {
    const { cart, orderId } = this.input;
    this.saga.register({
      name: 'release the stock',
      exceptionKind: 'release_failed',
      atRisk: `stock may stay reserved for ${orderId}, which is no order; release it by hand if this goes on.`,
      run: () => orders.releaseStock({ orderId }),
    });
    const lines = cart.lines.map(({ sku, quantity }) => ({ sku, quantity }));
    const stock = await orders.reserveStock({ orderId, lines });
    if (stock.outcome === 'reserved') return true;
    this.counter.end({ state: 'out_of_stock', sku: stock.sku, available: stock.available });
    return false;
  }

  private async place(payment: Authorized): Promise<OrderFacts | undefined> {
    const { cart, orderId } = this.input;
    const placed = await orders.placeOrder({ orderId, cart, paymentIntentId: payment.paymentIntentId });
    if (placed.outcome === 'placed') return placed.facts;
    this.counter.end(placedAnswer(placed.facts));
    return undefined;
  }
}

/** What is asked of the bank. */
export function totalOf({ cart }: CheckoutInput): Money {
  return { amount: cartTotal(cart), currency: cart.currency };
}

export function placedAnswer(facts: OrderFacts): CheckoutAnswer {
  return {
    state: 'placed',
    orderId: facts.orderId,
    authorizedAmount: facts.amounts.authorized,
    captureBefore: facts.hold?.captureBefore ?? null,
  };
}
