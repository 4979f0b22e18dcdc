import { Client, Connection } from '@temporalio/client';
import { subjectOf } from '../../../workflows/domain/shared/events';
import type { DomainEvent } from '../../../workflows/domain/shared/events';
import { workflowIds } from '../../../workflows/kit/names';
import { startRelays } from '../../../workers/relays';
import type { Relays } from '../../../workers/relays';
import { relayOutbox } from '../../../workers/relays/outbox-relay';
import { sampleCart } from '../../support/carts';
import { testEnvironment } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { hasWorkflow } from '../../support/shop';
import { violations } from '../../support/invariants/invariants';
import { closeConnections, createWorld } from '../../support/world';
import type { World } from '../../support/world';
import { openTcpGate } from './tcp-gate';
import type { TcpGate } from './tcp-gate';

/** Relays reach Temporal by a way that can be shut; everything else goes on. */
let world: World;
let gate: TcpGate;
let connection: Connection;
let client: Client;
let relays: Relays | undefined;

beforeEach(async () => {
  world = await createWorld({ withoutRelays: true });
  gate = await openTcpGate(testEnvironment().temporalAddress);
  connection = await Connection.connect({ address: gate.address });
  const { dataConverter } = world.dependencies;
  client = new Client({ connection, namespace: testEnvironment().temporalNamespace, dataConverter });
});

afterEach(async () => {
  gate.open();
  await relays?.stop();
  relays = undefined;
  await connection.close();
  await gate.close();
  await world.close();
});

afterAll(closeConnections);

function start(): void {
  const { dependencies, database, taskQueue, log } = world;
  relays = startRelays({ dependencies, databaseUrl: database.url, client, taskQueue, sinks: [], log });
}

async function place(changes: Parameters<typeof sampleCart>[0] = {}): Promise<string> {
  const answer = await world.holdfast.checkout(sampleCart(changes));
  if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
  return answer.orderId;
}

const lives = (orderId: string) => hasWorkflow(world.client, orderId);

/** Runs of one order's workflow that Temporal knows of. */
async function runsOf(orderId: string): Promise<number> {
  const history = await world.client.workflow.getHandle(workflowIds.order(orderId)).fetchHistory();
  return (history.events ?? []).filter((event) => event.workflowExecutionStartedEventAttributes != null).length;
}

describe('while Temporal is away from the relays', () => {
  it('an order that is placed waits in the outbox and is started once Temporal is back', async () => {
    gate.shut();
    start();
    const orderId = await place();
    await eventually('somebody to be refused', () => gate.refused() > 0);
    expect(await lives(orderId)).toBe(false);
    expect(await world.dependencies.outbox.countUnpublished()).toBeGreaterThan(0);
    gate.open();
    await eventually('the order to live', () => lives(orderId));
    await eventually('the outbox to be empty', async () => (await world.dependencies.outbox.countUnpublished()) === 0);
    expect(await violations(world)).toEqual([]);
  });

  it('a webhook waits in the inbox and is signaled once Temporal is back', async () => {
    start();
    const cart = sampleCart({ paymentMethod: 'pm_card_authenticationRequired' });
    const asked = await world.holdfast.checkout(cart);
    if (asked.state !== 'requires_action') throw new Error(`not asked: ${JSON.stringify(asked)}`);
    gate.shut();
    world.simulator.completeAuthentication(asked.paymentIntentId, 'succeed');
    await world.simulator.flush();
    await eventually('the event to wait', async () => (await world.dependencies.inbox.countByStatus()).waiting > 0);
    gate.open();
    // Only the webhook can wake the checkout so soon: Stripe is asked after 15 s for the first time.
    expect(await world.client.workflow.getHandle(workflowIds.checkout(cart.cartId)).result()).toMatchObject({
      state: 'placed',
    });
    await eventually('nothing to wait', async () => {
      const { pending, waiting } = await world.dependencies.inbox.countByStatus();
      return pending + waiting === 0;
    });
  });
});

describe('the outbox relay', () => {
  it('starts one workflow even if it delivers the same event twice, or after the order has ended', async () => {
    const { taskQueue, dependencies } = world;
    const { factsOf } = dependencies.queries;
    const orderId = await place();
    const events = await dependencies.outbox.claimUnpublished(10, 30_000);
    const outbox = { claimUnpublished: () => Promise.resolve(events), markPublished: () => Promise.resolve() };
    await Promise.all([1, 2].map(() => relayOutbox({ outbox, factsOf, client, taskQueue, sinks: [] })));
    await eventually('the order to live', () => lives(orderId));
    const handle = world.client.workflow.getHandle(workflowIds.order(orderId));
    const { runId } = await handle.describe();
    await world.holdfast.cancel(orderId, { reason: 'changed_mind' });
    await handle.result();
    await relayOutbox({ outbox, factsOf, client, taskQueue, sinks: [] });
    expect((await handle.describe()).runId).toBe(runId);
    expect(await runsOf(orderId)).toBe(1);
  });

  it('delivers again to a sink that failed, each order’s events in sequence, without delaying other orders', async () => {
    const { taskQueue, dependencies } = world;
    const { factsOf } = dependencies.queries;
    const [ill, well] = [await place(), await place()];
    const told: DomainEvent[] = [];
    let failures = 2;
    const sink = (event: DomainEvent): Promise<void> => {
      if (subjectOf(event) === ill && event.type === 'OrderPaid' && failures > 0) {
        failures -= 1;
        return Promise.reject(new Error('the sink is away'));
      }
      if (subjectOf(event) === ill && failures > 0 && event.sequence > 1) {
        failures -= 1;
        return Promise.reject(new Error('the sink is away'));
      }
      told.push(event);
      return Promise.resolve();
    };
    let lapsed = 0;
    // Leases end at once, as they do for a relay that died: the next round sees what was not told.
    const outbox = {
      ...dependencies.outbox,
      claimUnpublished: (limit: number) => dependencies.outbox.claimUnpublished(limit, 0),
    };
    for (const orderId of [ill, well]) {
      const { cancel } = world.holdfast;
      await relayOutbox({ outbox, factsOf, client, taskQueue, sinks: [sink] }).catch(() => (lapsed += 1));
      await eventually('the order to live', () => lives(orderId));
      await cancel(orderId, { reason: 'changed_mind' });
    }
    await eventually('the outbox to be empty', async () => {
      await relayOutbox({ outbox, factsOf, client, taskQueue, sinks: [sink] }).catch(() => (lapsed += 1));
      return (await dependencies.outbox.countUnpublished()) === 0;
    });
    expect(lapsed).toBe(2);
    for (const orderId of [ill, well]) {
      const sequences = told.filter((event) => subjectOf(event) === orderId).map((event) => event.sequence);
      // At least once, never ahead of an earlier one.
      const first = sequences.filter((sequence, index) => sequences.indexOf(sequence) === index);
      expect(first).toEqual(first.map((_, index) => index + 1));
      expect(first.length).toBeGreaterThan(2);
    }
  });
});
