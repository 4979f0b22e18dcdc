import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { prune } from '../../activities/storage';
import { startLoop } from '../loop';
import type { Loop } from '../loop';
import { listen } from '../listener';
import type { Dependencies } from '../dependencies';
import { dispatchInbox } from './inbox-dispatcher';
import { collectMissedEvents } from './missed-events';
import { relayNotices } from './notice-relay';
import { relayOutbox } from './outbox-relay';
import { paymentEvents } from './payment-events';
import type { EventSink } from './outbox-relay';

export interface RelayOptions {
  readonly dependencies: Dependencies;
  readonly databaseUrl: string;
  readonly client: Client;
  readonly taskQueue: string;
  readonly sinks: readonly EventSink[];
  readonly log: Logger;
}

export interface Relays {
  stop(): Promise<void>;
}

/** Notifications wake the relays; polling finds what they missed. */
const IDLE_MS = 1_000;

/** Stripe retries for three days; looking every five minutes for what never arrived is soon enough and costs one request. */
const MISSED_EVENTS_MS = 5 * 60_000;

/** Old rows cost disk, not truth: once an hour is often enough. */
const PRUNE_MS = 3_600_000;

/** A mail server that hangs must not hold up the end: what it was being told is in doubt then, and shown so. */
const NOTICES_CLOSE_MS = 3_000;

async function pruneOnce(pool: Dependencies['pool'], log: Logger): Promise<number> {
  const pruned = await prune(pool, new Date());
  log.debug({ pruned }, 'pruned what is old');
  return 0;
}

/** Starts what runs beside the worker: the relays of events and notices, the inbox dispatcher, the look for missed events. */
export function startRelays(options: RelayOptions): Relays {
  const { dependencies, client, taskQueue, sinks, log } = options;
  const { outbox, inbox, activities, findPayment, eventLister } = dependencies;
  const handlers = [paymentEvents({ client, taskQueue, findPayment, voidPayments: activities.voidPayments })];
  const relay = startLoop('outbox relay', () => relayOutbox({ outbox, client, taskQueue, sinks }), {
    idleMs: IDLE_MS,
    log,
  });
  const dispatcher = startLoop('inbox dispatcher', () => dispatchInbox({ inbox, handlers, log }), {
    idleMs: IDLE_MS,
    log,
  });
  const missed = startLoop('missed events', () => collectMissedEvents(eventLister, inbox), {
    idleMs: MISSED_EVENTS_MS,
    log,
  });
  const pruning = startLoop('pruning', () => pruneOnce(dependencies.pool, log), { idleMs: PRUNE_MS, log });
  const notices = startNotices(dependencies, log);
  const wakes = { holdfast_outbox: relay.wake, holdfast_inbox: dispatcher.wake, holdfast_notices: notices.wake };
  const listener = listen(options.databaseUrl, wakes, log);
  return {
    async stop() {
      await listener.stop();
      await Promise.all([relay, dispatcher, notices, missed, pruning].map((loop) => loop.stop()));
    },
  };
}

function startNotices({ notices: store, noticeChannels: channels }: Dependencies, log: Logger): Loop {
  const loop = startLoop('notice relay', () => relayNotices({ store, channels, log }), { idleMs: IDLE_MS, log });
  return {
    wake: loop.wake,
    async stop() {
      const limit = setTimeout(() => channels.close(), NOTICES_CLOSE_MS);
      await loop.stop();
      clearTimeout(limit);
    },
  };
}
