import { CancellationScope, isCancellation, log, proxyLocalActivities } from '@temporalio/workflow';
import type { LineQuantity } from '../domain/order/lines';
import { formatMoney } from '../domain/shared/money';
import { STORAGE_OPTIONS } from '../kit/activity-options';
import type { StepExceptions } from '../kit/exceptions';
import { insist } from '../kit/saga';
import type { OrderActivities } from '../order/ports';
import { cartChanged, placedAnswer } from './answers';
import type { CheckoutDefect } from './defect';
import type { CheckoutSubmissions } from './submissions';

const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** The steps of a checkout in our own database: stock is reserved, then the order is recorded. */
export class CheckoutRecord {
  constructor(
    private readonly orderId: string,
    private readonly submissions: CheckoutSubmissions,
    private readonly exceptions: StepExceptions,
    private readonly defect: CheckoutDefect,
  ) {}

  /** False where the stock is sold out. */
  reserve(): Promise<boolean> {
    return this.orWithdraw(async () => {
      const stock = await orders.reserveStock({ orderId: this.orderId, lines: this.lines() });
      if (stock.outcome === 'reserved') return true;
      this.submissions.end({ state: 'out_of_stock', sku: stock.sku, available: stock.available });
      return false;
    });
  }

  release(): Promise<unknown> {
    return orders.releaseStock({ orderId: this.orderId });
  }

  /** False where the cart is another order already. */
  place(paymentIntentId: string): Promise<boolean> {
    return this.orWithdraw(async () => {
      const { orderId } = this;
      const { cart, cartFingerprint } = this.submissions;
      const placed = await orders.placeOrder({ orderId, cart, cartFingerprint, paymentIntentId });
      this.submissions.end(placed.outcome === 'cart_changed' ? cartChanged(true) : placedAnswer(placed.facts));
      return placed.outcome === 'placed';
    });
  }

  /**
   * Ends a checkout without an order, unless its order is recorded already; from then on it can no longer be recorded. Asked
   * before any undo: a workflow task that fails loses its local activities, and with them what it knew of a recorded order.
   */
  async withdraw(code: 'abandoned' | 'order_unavailable', message: string): Promise<void> {
    const { orderId, submissions } = this;
    const step = {
      name: 'find out whether the order was recorded',
      exceptionKind: 'withdraw_failed',
      atRisk: `${formatMoney(submissions.total)} is held for ${orderId}, which may or may not be recorded.`,
      run: () => orders.withdrawOrder({ orderId }),
    } as const;
    const result = await CancellationScope.nonCancellable(() => insist(step, this.exceptions));
    if (result.outcome === 'placed') submissions.end(placedAnswer(result.facts));
    else submissions.fail(code, message);
  }

  /** Ends the checkout where its stock is gone. A cheap look: only the reservation promises stock. */
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

  /**
   * Once the payment is authorized, an operator's cancel is too late: local activities may have run in a workflow task that the
   * cancel made fail. Then the order is recorded without this workflow knowing, and an undo would void the hold of an order.
   */
  private async orWithdraw(step: () => Promise<boolean>): Promise<boolean> {
    try {
      return await CancellationScope.nonCancellable(step);
    } catch (error) {
      log.error('the order could not be recorded', { orderId: this.orderId, error: String(error) });
      this.defect.note('recording the order', error);
      await this.withdraw(
        'order_unavailable',
        'The order could not be recorded; nothing is held. The same cart may be sent again.',
      );
      return false;
    }
  }

  private lines(): LineQuantity[] {
    return this.submissions.cart.lines.map(({ sku, quantity }) => ({ sku, quantity }));
  }
}
