import { readEvent } from '../../../activities/stripe/webhooks/events';
import { uniqueName } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import type { World } from '../../support/world';

export interface InboxRow {
  readonly status: string;
  readonly attempts: number;
  readonly last_error: string | null;
}

/** What became of one event. */
export async function heardOf({ dependencies }: World, eventId: string): Promise<InboxRow | undefined> {
  const text = 'SELECT status, attempts, last_error FROM inbox WHERE event_id = $1';
  return (await dependencies.pool.query<InboxRow>(text, [eventId])).rows[0];
}

/** An event of a test's own making, read as the gateway reads them. */
export function eventOf(type: string, object: object) {
  const id = uniqueName('evt');
  const created = Math.floor(Date.now() / 1000);
  return {
    ...readEvent({ id, object: 'event', type, created, data: { object } }, new Date()),
    provider: 'stripe',
  } as const;
}

/** Puts events of a test's own making into the inbox of its world. */
export function inboxOf(world: () => World) {
  return {
    /** Answers with the event's id. */
    async receive(type: string, object: object): Promise<string> {
      const event = eventOf(type, object);
      await world().dependencies.inbox.receive(event);
      return event.eventId;
    },
    until: (eventId: string, status: string) =>
      eventually(`${eventId} to be ${status}`, async () => (await heardOf(world(), eventId))?.status === status),
    /** As if it had been looked at so often, and were due again. */
    async age(eventId: string, attempts: number): Promise<void> {
      const text = 'UPDATE inbox SET attempts = $2, next_attempt_at = now() WHERE event_id = $1';
      await world().dependencies.pool.query(text, [eventId, attempts]);
    },
  };
}
