import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { prune, type InboxLane, type Retention } from '../../activities/storage';
import { startLoop } from '../processes/loop';
import type { Loop, Round } from '../processes/loop';
import { listen } from '../processes/listener';
import type { Dependencies } from '../dependencies/dependencies';
import { assertDunningPolicy, DEFAULT_DUNNING_POLICY } from '../../workflows/domain/dunning/policy';
import type { DunningPolicy } from '../../workflows/domain/subscription/subscription';
import { DEFAULT_DISPUTE_POLICY } from '../../workflows/domain/dispute/plan';
import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import { DEFAULT_FRAUD_WARNING_POLICY } from '../../workflows/domain/dispute/fraud-warning';
import type { FraudWarningPolicy } from '../../workflows/domain/dispute/fraud-warning';
import { DEFAULT_REFUND_POLICY } from '../../workflows/domain/refund/refund';
import type { RefundPolicy } from '../../workflows/domain/refund/refund';
import { disputeEvents } from './dispute-events';
import type { EventHandler } from './event-handler';
import { dispatchInbox } from './inbox-dispatcher';
import { collectMissedEvents } from './missed-events';
import { relayNotices } from './notice-relay';
import { relayOutbox } from './outbox-relay';
import { paymentEvents } from './payment-events';
import { refundEvents } from './refund-events';
import { subscriptionEvents } from './subscription-events';
import type { EventSink } from './outbox-relay';

export interface RelayOptions {
  readonly dependencies: Dependencies;
  readonly databaseUrl: string;
  readonly client: Client;
  readonly taskQueue: string;
  readonly sinks: readonly EventSink[];
  /** The shop's policy for subscriptions; the rest is DEFAULT_DUNNING_POLICY. */
  readonly dunning?: Partial<DunningPolicy>;
  /** The shop's policies for new disputes and early fraud warnings; the rest are the defaults. */
  readonly disputes?: Partial<DisputePolicy>;
  readonly fraudWarnings?: Partial<FraudWarningPolicy>;
  readonly refunds?: Partial<RefundPolicy>;
  /** How long old rows are kept; the defaults where absent. */
  readonly retention?: Retention;
  readonly log: Logger;
}

type InboxOptions = Omit<RelayOptions, 'databaseUrl' | 'sinks'>;

export interface Relays {
  stop(): Promise<void>;
}

/** Postgres notifications wake the relays; polling finds what a lost notification announced. */
const IDLE_MS = 1_000;

/** Stripe redelivers for three days; one request every five minutes finds undelivered events soon enough. */
const MISSED_EVENTS_MS = 5 * 60_000;

/** Old rows only cost disk space, so once an hour is often enough. */
const PRUNE_MS = 3_600_000;

/** A mail server that hangs must not delay the shutdown: its notice is then shown as in doubt. */
const NOTICES_CLOSE_MS = 3_000;

async function pruneOnce({ dependencies: { pool }, retention, log }: RelayOptions): Promise<number> {
  const pruned = await prune(pool, new Date(), retention);
  log.debug({ pruned }, 'old rows were deleted');
  return 0;
}

/** The rounds of the lanes of the inbox. */
export function inboxRounds(options: InboxOptions): Readonly<Record<InboxLane, Round>> {
  const { dependencies, client, taskQueue, log } = options;
  const { inbox, activities, findPayment, queries } = dependencies;
  const handlers = [
    paymentEvents({
      client,
      taskQueue,
      findPayment,
      isOurs: queries.isOurs,
      voidPayments: activities.voidPayments,
      cancelDuplicate: dependencies.cancelDuplicate,
    }),
    refundEvents({
      client,
      taskQueue,
      findPayment,
      isOurs: queries.isOurs,
      owners: dependencies.paymentOwners,
      refunds: dependencies.refunds,
      policy: refundPolicy(options),
    }),
    disputeHandler(options),
  ];
  return { orders: () => dispatchInbox({ inbox, handlers, log }), subscriptions: subscriptionRound(options) };
}

/** Starts what runs beside the worker: the relays of events and notices, the inbox dispatcher, and the relay for missed events. */
export function startRelays(options: RelayOptions): Relays {
  const { dependencies, client, taskQueue, sinks, log } = options;
  const { outbox, inbox, eventLister, queries } = dependencies;
  const rounds = inboxRounds(options);
  const relay = startLoop(
    'outbox relay',
    () => relayOutbox({ outbox, factsOf: queries.factsOf, client, taskQueue, sinks }),
    {
      idleMs: IDLE_MS,
      log,
    },
  );
  const dispatcher = startLoop('inbox dispatcher', rounds.orders, { idleMs: IDLE_MS, log });
  const subscriptions = startLoop('subscription dispatcher', rounds.subscriptions, { idleMs: IDLE_MS, log });
  const missed = startLoop('missed events', () => collectMissedEvents(eventLister, inbox), {
    idleMs: MISSED_EVENTS_MS,
    log,
  });
  const pruning = startLoop('pruning', () => pruneOnce(options), { idleMs: PRUNE_MS, log });
  const notices = startNotices(dependencies, log);
  const wakeInbox = (): void => [dispatcher, subscriptions].forEach((loop) => loop.wake());
  const wakes = { holdfast_outbox: relay.wake, holdfast_inbox: wakeInbox, holdfast_notices: notices.wake };
  const listener = listen(options.databaseUrl, wakes, log);
  return {
    async stop() {
      await listener.stop();
      await Promise.all([relay, dispatcher, subscriptions, notices, missed, pruning].map((loop) => loop.stop()));
    },
  };
}

function refundPolicy({ refunds }: Pick<RelayOptions, 'refunds'>): RefundPolicy {
  return { ...DEFAULT_REFUND_POLICY, ...refunds };
}

function disputeHandler(options: InboxOptions): EventHandler {
  const { dependencies, client, taskQueue, disputes, fraudWarnings } = options;
  return disputeEvents({
    client,
    taskQueue,
    policy: { ...DEFAULT_DISPUTE_POLICY, ...disputes },
    fraudWarningPolicy: { ...DEFAULT_FRAUD_WARNING_POLICY, ...fraudWarnings },
    refundPolicy: refundPolicy(options),
    findPayment: dependencies.findPayment,
    findDispute: (disputeId) => dependencies.disputes.findDispute(disputeId),
    isOurs: dependencies.queries.isOurs,
    owners: dependencies.paymentOwners,
  });
}

/** The round of the lane of subscriptions, whose events each cost a request to the provider. */
function subscriptionRound({ dependencies, client, taskQueue, dunning, log }: InboxOptions): Round {
  const { inbox: all, subscriptionRefresher: refresher, subscriptions } = dependencies;
  const policy = { ...DEFAULT_DUNNING_POLICY, ...dunning };
  assertDunningPolicy(policy);
  const isKnown = async (id: string): Promise<boolean> => (await subscriptions.getSubscription(id)) !== undefined;
  const handlers = [subscriptionEvents({ client, taskQueue, policy, refresher, isKnown })];
  const { complete, ignore, fail, retryLater } = all;
  const claimDue = (limit: number, leaseMs: number) => all.claimDue(limit, leaseMs, 'subscriptions');
  return () => dispatchInbox({ inbox: { claimDue, complete, ignore, fail, retryLater }, handlers, log });
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
