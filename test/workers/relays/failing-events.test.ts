import { ApplicationFailure } from '@temporalio/common';
import pino from 'pino';
import { createInbox, type Inbox } from '../../../activities/storage';
import { failureTypes } from '../../../workflows/domain/shared/errors';
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

describe('an event whose handler fails because of a defect', () => {
  // The second is of the other lane, and fails before it has a key.
  it.each(['refund.updated', 'invoice.paid'])(
    '%s is given up after some attempts, counted, with one exception',
    async (type) => {
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
    },
  );
});

const refusal = ApplicationFailure.nonRetryable('the provider says no', failureTypes.refused);

describe('an event that fails otherwise', () => {
  let shop: Shop;
  beforeAll(async () => void (shop = await openShop()));
  afterAll(() => shop.close());

  it('is retried for days, then given up', async () => {
    const kept = createInbox(shop);
    const handlers: EventHandler[] = [
      { actsOn: () => true, keyOf: (event) => event.eventId, handle: () => Promise.reject(new Error('out of order')) },
    ];
    await receive(kept, 'evt_1');
    expect(await lookAfter(kept, handlers, { attempts: 898, days: 4 })).toBe('waiting');
    expect(await lookAfter(kept, handlers, { attempts: 899, days: 0 })).toBe('failed');
  });

  it('is looked at for days when its handler sets the next look, then given up with an exception', async () => {
    const kept = createInbox(shop);
    const later = { later: 'the provider is too busy', delayMs: 1_000 };
    const handlers: EventHandler[] = [
      { actsOn: () => true, keyOf: (event) => event.eventId, handle: () => Promise.resolve(later) },
    ];
    await receive(kept, 'evt_2');
    // A look each second is no three days, and an event that lay for days has not had its tries.
    expect(await lookAfter(kept, handlers, { attempts: 5_000, days: 2 })).toBe('waiting');
    expect(await lookAfter(kept, handlers, { attempts: 898, days: 4 })).toBe('waiting');
    expect(await casesOfEvents()).toHaveLength(1);
    expect(await lookAfter(kept, handlers, { attempts: 899, days: 4 })).toBe('failed');
    expect(await casesOfEvents()).toEqual(['inbox-evt_1', 'inbox-evt_2']);
  });

  it('whose object the provider refuses to return is given up after some attempts', async () => {
    const kept = createInbox(shop);
    const handlers: EventHandler[] = [
      { actsOn: () => true, keyOf: (event) => event.eventId, handle: () => Promise.reject(refusal) },
    ];
    await receive(kept, 'evt_21');
    expect(await lookAfter(kept, handlers, { attempts: 18, days: 0 })).toBe('waiting');
    expect(await lookAfter(kept, handlers, { attempts: 19, days: 0 })).toBe('failed');
  });

  it('waits no longer than our own longest pause, whatever its handler asks for', async () => {
    const kept = createInbox(shop);
    const asked = { later: 'the provider names a day', delayMs: 24 * 3_600_000 };
    const handlers: EventHandler[] = [
      { actsOn: () => true, keyOf: (event) => event.eventId, handle: () => Promise.resolve(asked) },
    ];
    await receive(kept, 'evt_3');
    expect(await lookAfter(kept, handlers, { attempts: 0, days: 0 })).toBe('waiting');
    const [row] = await shop.sql<{ minutes: number }>(
      `SELECT round(extract(epoch FROM next_attempt_at - now()) / 60)::integer AS minutes FROM inbox WHERE event_id = 'evt_3'`,
    );
    expect(row?.minutes).toBe(5);
  });

  const receive = (kept: Inbox, eventId: string) =>
    kept.receive({
      eventId,
      provider: 'stripe',
      type: eventId,
      payload: {},
      createdAt: new Date().toISOString(),
    });

  async function lookAfter(kept: Inbox, handlers: EventHandler[], had: { attempts: number; days: number }) {
    await shop.sql(
      `UPDATE inbox SET attempts = $1, next_attempt_at = now() - interval '1 s', received_at = now() - $2 * interval '1 day'
       WHERE finished_at IS NULL`,
      [had.attempts, had.days],
    );
    await dispatchInbox({ inbox: kept, handlers, log: pino({ level: 'silent' }) });
    const [row] = await shop.sql<{ status: string }>('SELECT status FROM inbox ORDER BY event_id DESC LIMIT 1');
    return row?.status;
  }

  async function casesOfEvents(): Promise<string[]> {
    const rows = await shop.sql<{ id: string }>(
      `SELECT workflow_id AS id FROM exceptions WHERE kind = 'step_failed' AND subject_type = 'event' ORDER BY 1`,
    );
    return rows.map((row) => row.id);
  }
});
