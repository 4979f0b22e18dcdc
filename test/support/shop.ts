import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { CheckoutRequest } from '../../clients/client';
import type { OrderPolicy } from '../../workflows/domain/shared/policy';
import type { OrderView } from '../../workflows/domain/order/view';
import { workflowIds } from '../../workflows/kit/names';
import { sampleCart } from './carts';
import { getConnection, testEnvironment } from './environment';
import { eventually } from './time/eventually';
import { violations } from './invariants/invariants';
import { fastForward, virtualTime } from './time/time';
import { closeConnections, createWorld } from './world';
import type { World, WorldOptions } from './world';

/** The two lines of {@link Shop.place}; with 490 shipping and 1000 tax they make 7970. */
export const twoLines = [
  { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 },
  { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3900 },
];

let parcels = 0;

/** A parcel with a tracking number of its own. */
export function parcel(lines: { sku: string; quantity: number }[]) {
  parcels += 1;
  return { lines, carrier: 'dhl', trackingNumber: `T${parcels}` };
}

export const mugs = (quantity: number) => parcel([{ sku: 'MUG-BLUE', quantity }]);
export const everything = () =>
  parcel([
    { sku: 'MUG-BLUE', quantity: 2 },
    { sku: 'TEAPOT-1L', quantity: 1 },
  ]);

/** Has an order's own workflow been started? */
export async function hasWorkflow(client: Client, orderId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowIds.order(orderId)).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** What tests do with orders in one world, the one of the file unless another is given. */
export class Shop {
  constructor(private readonly home: () => World) {}

  async place(changes: Partial<CheckoutRequest> = {}, where = this.home()): Promise<string> {
    const answer = await where.holdfast.checkout(sampleCart({ lines: twoLines, taxAmount: 1000, ...changes }));
    if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
    await eventually('the order to have its workflow', () => hasWorkflow(where.client, answer.orderId));
    return answer.orderId;
  }

  /** Waits for the money of an order whose money is taken as soon as it is placed. */
  async paid(orderId: string, where = this.home()): Promise<void> {
    await eventually('the order to be paid', async () => (await this.view(orderId, where)).paymentState === 'captured');
  }

  async view(orderId: string, where = this.home()): Promise<OrderView> {
    const found = await where.dependencies.queries.getOrder(orderId);
    if (found === undefined) throw new Error(`no order ${orderId}`);
    return found;
  }

  intentsOf(orderId: string, where = this.home()) {
    return where.simulator.state.paymentIntents().filter((intent) => intent.metadata['holdfast_order_id'] === orderId);
  }

  customerOf(orderId: string, where = this.home()): string {
    return String(this.intentsOf(orderId, where)[0]?.customer);
  }

  async forward(orderId: string, ms: number): Promise<void> {
    await fastForward(await getConnection(), testEnvironment().temporalNamespace, `order-${orderId}`, ms);
  }

  /** Moves the order's clock to a moment before (or after, where negative) the end of its hold. */
  async forwardToEndOfHold(orderId: string, beforeMs: number, where = this.home()): Promise<void> {
    const clock = await virtualTime(await getConnection(), testEnvironment().temporalNamespace, `order-${orderId}`);
    const { captureBefore } = await this.view(orderId, where);
    await this.forward(orderId, Date.parse(captureBefore ?? '') - beforeMs - (clock?.nowMs ?? Date.now()));
  }

  endOf(orderId: string, where = this.home()): Promise<unknown> {
    return where.client.workflow.getHandle(`order-${orderId}`).result();
  }
}

const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * The simulator's clock goes ahead with every order that is moved on, so the holds of orders placed later seem to begin days after
 * the order: limits that count from the placing are out of the way. Tests of these limits have worlds of their own.
 */
const UNHURRIED: Partial<OrderPolicy> = { holdLimitMs: YEAR_MS, handlingLimitMs: YEAR_MS };

/**
 * After each test of a file money and stock must agree. What does not agree in time stays so: the next tests fail without waiting
 * for it again, or a file of many tests would seem to hang.
 */
export function agreesAfterEach(world: () => World): void {
  let isBroken = false;
  afterEach(async () => {
    if (!isBroken) {
      const agree = async (): Promise<boolean> => (await violations(world())).length === 0;
      await eventually('the money to agree', agree).catch(() => (isBroken = true));
    }
    if (isBroken) expect(await violations(world())).toEqual([]);
  });
}

/** One world for the tests of a file; after each of them money and stock must agree. */
export function shopForThisFile(options: WorldOptions = {}): { readonly world: () => World; readonly shop: Shop } {
  let world: World | undefined;
  const current = (): World => {
    if (world === undefined) throw new Error('the world is made in beforeAll');
    return world;
  };
  beforeAll(async () => {
    world = await createWorld({ ...options, policy: { ...UNHURRIED, ...options.policy } });
  });
  agreesAfterEach(current);
  afterAll(async () => {
    await world?.close();
    await closeConnections();
  });
  return { world: current, shop: new Shop(current) };
}
