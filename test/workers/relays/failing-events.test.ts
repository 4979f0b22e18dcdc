import pino from 'pino';
import { createInbox } from '../../../activities/storage';
import { dispatchInbox } from '../../../workers/relays/inbox-dispatcher';
import type { EventHandler } from '../../../workers/relays/event-handler';
import { openShop, type Shop } from '../../activities/storage/shop';
import { uniqueName } from '../../support/environment';
import { shopForThisFile } from '../../support/shop';
import { heardOf, inboxOf } from './inbox-of';

const { world } = shopForThisFile();
const inbox = inboxOf(world);

/** An event whose content nobody can read any more: every handler that looks at it fails on it. */
async function unreadable(type: string): Promise<string> {
  const eventId = uniqueName('evt');
  const createdAt = new Date().toISOString();
  const event = { eventId, provider: 'stripe', type, objectId: 'x_1', payload: null, createdAt };
  await world().dependencies.inbox.receive(event);
  await inbox.until(eventId, 'waiting');
  return eventId;
}

const casesOf = async (type: string) =>
  (await world().dependencies.queries.listExceptions()).filter((one) => one.workflowId === `inbox-${type}`);

describe('an event that a mistake of our own keeps failing', () => {
  // The second is of the other lane, and fails before it has a key.
  it.each(['refund.updated', 'invoice.paid'])('%s is kept after some tries, counted, with one case', async (type) => {
    const { failed: before } = await world().dependencies.inbox.countByStatus();
    const [first, second] = [await unreadable(type), await unreadable(type)];
    await inbox.age(first, 19);
    await inbox.age(second, 19);
    await inbox.until(first, 'failed');
    await inbox.until(second, 'failed');
    expect(await heardOf(world(), first)).toMatchObject({ attempts: 20, last_error: expect.stringContaining(first) });
    expect((await world().dependencies.inbox.countByStatus()).failed).toBe(before + 2);
    const raised = await casesOf(type);
    expect(raised).toMatchObject([{ kind: 'step_failed', owner: 'operations', subjectType: 'event', orderId: null }]);
    const command = { kind: 'step_failed', action: 'dismiss', actor: 'person-1' } as const;
    const workflowId = `inbox-${type}`;
    expect(await world().holdfast.resolveException(workflowId, command)).toBe('not_running');
    expect(await world().dependencies.queries.dismissException({ workflowId, ...command })).toBe(true);
    expect(await casesOf(type)).toEqual([]);
  });
});

describe('an event that fails otherwise', () => {
  let shop: Shop;
  beforeAll(async () => void (shop = await openShop()));
  afterAll(() => shop.close());

  it('is tried for days, then kept', async () => {
    const kept = createInbox(shop);
    const handlers: EventHandler[] = [
      { actsOn: () => true, keyOf: (event) => event.eventId, handle: () => Promise.reject(new Error('out of order')) },
    ];
    const createdAt = new Date().toISOString();
    await kept.receive({ eventId: 'evt_1', provider: 'stripe', type: 'refund.updated', payload: {}, createdAt });
    const lookAfter = async (attempts: number) => {
      await shop.sql('UPDATE inbox SET attempts = $1, next_attempt_at = received_at', [attempts]);
      await dispatchInbox({ inbox: kept, handlers, log: pino({ level: 'silent' }) });
      return shop.sql<{ status: string }>('SELECT status FROM inbox');
    };
    expect(await lookAfter(898)).toEqual([{ status: 'waiting' }]);
    expect(await lookAfter(899)).toEqual([{ status: 'failed' }]);
  });
});
