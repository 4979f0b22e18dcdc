import type {
  CancelAnswer,
  CheckoutAnswer,
  CheckoutRequest,
  DeliverAnswer,
  ShipAnswer,
  ShipmentRequest,
} from '../../../clients/client';
import { waitFor } from '../../../workers/dependencies/poll';
import { sampleCart } from '../../support/carts';
import type { PaymentIntent } from '../../../workers/embedded/stripe/state/model';
import type { FaultWorld } from '../fault-world';
import { CasePlan } from '../plan';
import type { Fault } from '../plan';
import { LIMIT_MS, RETRY_PAUSE_MS, WorkflowPlay } from '../workflow-play';

/** How often a command whose outcome is not known is sent again. */
const MAX_ASKS = 6;

/** One case being played: its answers, and how to move its clock. */
export class Play extends WorkflowPlay {
  readonly plan: CasePlan;
  readonly cart: CheckoutRequest;
  checkoutAnswer: CheckoutAnswer | undefined;
  readonly shipAnswers: { readonly request: ShipmentRequest; readonly answer: ShipAnswer }[] = [];
  cancelAnswer: CancelAnswer | undefined;
  deliverAnswer: DeliverAnswer | undefined;

  constructor(world: FaultWorld, name: string, faults: readonly Fault[], changes: Partial<CheckoutRequest>) {
    super(world, name);
    this.cart = sampleCart(changes);
    this.plan = new CasePlan(this.cart.cartId, faults);
    this.plan.ids = () => [this.orderId, ...this.intents().map((one) => one.id)];
    world.board.add(this.plan);
  }

  /** Known from the first activity on. */
  get orderId(): string {
    if (this.plan.orderId === undefined) throw new Error(`${this.name}: no activity was seen`);
    return this.plan.orderId;
  }

  get placed(): boolean {
    return this.checkoutAnswer?.state === 'placed';
  }

  get workflowIds(): { readonly checkout: string; readonly order: string } {
    return { checkout: `checkout-${this.cart.cartId}`, order: `order-${this.plan.orderId ?? 'none'}` };
  }

  owns(workflowId: string): boolean {
    return Object.values(this.workflowIds).includes(workflowId);
  }

  async checkout(): Promise<void> {
    this.checkoutAnswer = await this.answer(this.workflowIds.checkout, () => this.world.holdfast.checkout(this.cart));
  }

  /** The same cart once more, and what it comes to. */
  async checkoutAgain(): Promise<CheckoutAnswer['state']> {
    return (await this.answer(this.workflowIds.checkout, () => this.world.holdfast.checkout(this.cart))).state;
  }

  async ship(request: ShipmentRequest): Promise<void> {
    const answer = await this.command((orderId) => this.world.holdfast.ship(orderId, request));
    this.shipAnswers.push({ request, answer });
  }

  async cancel(): Promise<void> {
    this.cancelAnswer = await this.command((orderId) =>
      this.world.holdfast.cancel(orderId, { reason: 'customer_changed_mind' }),
    );
  }

  async deliver(): Promise<void> {
    this.deliverAnswer = await this.command((orderId) => this.world.holdfast.deliver(orderId));
  }

  /** A command to the order; one whose outcome is not known is sent again after the workflow's own retry. */
  private async command<T extends ShipAnswer | CancelAnswer | DeliverAnswer>(
    send: (orderId: string) => Promise<T>,
  ): Promise<T> {
    for (let asks = 1; ; asks += 1) {
      const answer = await this.answer(this.workflowIds.order, () => send(this.orderId));
      if (answer.accepted || answer.reason !== 'outcome_unknown' || asks >= MAX_ASKS) return answer;
      await this.quiet(this.workflowIds.order);
      await this.forward(this.workflowIds.order, RETRY_PAUSE_MS);
    }
  }

  /** The order's workflow, started by the relay. */
  async orderStarted(): Promise<void> {
    await waitFor(`the order of ${this.name} to be started`, LIMIT_MS, () => this.describe(this.workflowIds.order));
  }

  /** The order's payments as the simulator has them. */
  intents(): readonly Readonly<PaymentIntent>[] {
    const all = this.world.simulator.state.paymentIntents();
    return all.filter((one) => one.metadata['holdfast_order_id'] === this.plan.orderId);
  }

  /** Moves the order's clock on to a time, e.g. of its hold. */
  async forwardOrderTo(atMs: number): Promise<void> {
    await this.forwardTo(this.workflowIds.order, atMs);
  }
}
