import { CancellationScope, isCancellation, log, proxyLocalActivities } from '@temporalio/workflow';
import { STORAGE_OPTIONS } from '../kit/activity-options';
import type { CheckoutDefect } from './defect';
import type { CheckoutSubmissions } from './submissions';
import { cartChanged, placedAnswer } from './answers';
import { formatMoney } from '../domain/shared/money';
import type { LineQuantity } from '../domain/order/lines';
import type { OrderFacts } from '../domain/order/order';
import type { OrderActivities, WithdrawOrderResult } from '../order/ports';
import type { PaymentStatus } from '../payment/ports';
import { insist } from '../kit/saga';
import type { ExceptionDesk } from '../kit/exceptions';
import type { Saga, Undo } from '../kit/saga';

const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

export type Authorized = Extract<PaymentStatus, { status: 'authorized' }>;

/** What a checkout does once it is paid for: the stock is reserved, then the order is recorded. */
export class CheckoutRecord {
  constructor(
    private readonly orderId: string,
    private readonly submissions: CheckoutSubmissions,
    private readonly saga: Saga,
    private readonly desk: ExceptionDesk,
    private readonly defect: CheckoutDefect,
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
      this.defect.note('recording the order', error);
      const facts = await this.settle();
      if (facts !== undefined) return facts;
      const message = 'The order could not be recorded; nothing is held. The same cart may be sent again.';
      this.submissions.fail('order_unavailable', message);
      return undefined;
    }
  }

  /**
   * Is the order recorded? It stands, and is answered here; or it does not, and can not come any more. Asked before anything is
   * undone: a workflow task that fails takes the memory of its local activities with it, the record of the order included.
   */
  async settle(): Promise<OrderFacts | undefined> {
    const { orderId } = this;
    const withdraw: Undo<WithdrawOrderResult> = {
      name: 'find out whether the order was recorded',
      exceptionKind: 'withdraw_failed',
      atRisk: `${formatMoney(this.submissions.total)} is held for ${orderId}, which may or may not be recorded.`,
      run: () => orders.withdrawOrder({ orderId }),
    };
    const settled = await CancellationScope.nonCancellable(() => insist(withdraw, this.desk));
    return settled.outcome === 'placed' ? settled.facts : undefined;
  }

  /** Ends the checkout where what it is about is gone. A cheap look: the reservation alone promises stock. */
  async endIfSoldOut(): Promise<boolean> {
    try {
      const shortage = await orders.findShortage({ lines: this.lines() });
      if (shortage === null) return false;
      this.submissions.end({ state: 'out_of_stock', ...shortage });
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      return false;
    }
  }

  private async reserve(): Promise<boolean> {
    const { orderId } = this;
    this.saga.register({
      name: 'release the stock',
      exceptionKind: 'release_failed',
      atRisk: `stock may stay reserved for ${orderId}, which is no order; release it by hand if this goes on.`,
      run: () => orders.releaseStock({ orderId }),
      settledByHand: () => undefined,
    });
    const stock = await orders.reserveStock({ orderId, lines: this.lines() });
    if (stock.outcome === 'reserved') return true;
    this.submissions.end({ state: 'out_of_stock', sku: stock.sku, available: stock.available });
    return false;
  }

  private lines(): LineQuantity[] {
    return this.submissions.cart.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  }

  private async place(payment: Authorized): Promise<OrderFacts | undefined> {
    const { orderId } = this;
    const { cart, cartFingerprint } = this.submissions;
    const { paymentIntentId } = payment;
    const placed = await orders.placeOrder({ orderId, cart, cartFingerprint, paymentIntentId });
    if (placed.outcome === 'placed') return placed.facts;
    this.submissions.end(placed.outcome === 'cart_changed' ? cartChanged(true) : placedAnswer(placed.facts));
    return undefined;
  }
}
