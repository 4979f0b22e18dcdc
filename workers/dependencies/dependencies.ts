import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type Stripe from 'stripe';
import { createPaymentCache } from '../../activities/cache';
import { createKeyring } from '../../activities/crypto';
import type { EncryptionKey, Keyring } from '../../activities/crypto';
import { createNoticeChannels } from '../../activities/notifications';
import type { NoticeChannels, NotificationSettings } from '../../activities/notifications';
import {
  createDisputeQueries,
  createDisputeStore,
  createFraudWarningStore,
  createIdempotencyStore,
  createInbox,
  createNoticeStore,
  createOrderContacts,
  createOrderQueries,
  createOrderStore,
  createOutbox,
  createPaymentStore,
  createPool,
  createRateQueries,
  createRefundStore,
  createSettlementStore,
  createSubscriptionQueries,
  createSubscriptionStore,
} from '../../activities/storage';
import type { RefundStore } from '../../activities/storage';
import {
  accountScope,
  createDisputeActivities,
  createEventLister,
  createFraudWarningActivities,
  createDuplicateCanceller,
  createPaymentActivities,
  createPaymentOwners,
  createProviderContacts,
  createRefundActivities,
  createSettlementActivities,
  createStripeClient,
  createStripeLimiter,
  createSubscriptionActivities,
  createSubscriptionRefresher,
  createWebhookVerifier,
  paymentContext,
} from '../../activities/stripe';
import type { PaymentContext, RequestLimiter } from '../../activities/stripe';
import type { DataConverter } from '@temporalio/common';
import type { AllDisputeActivities } from '../../workflows/dispute/ports';
import type { RefundActivities } from '../../workflows/refund/ports';
import type { SubscriptionExceptions } from '../../workflows/subscription/ports';
import { createDataConverter } from './codec';
import type { StripeConfig } from '../config/config';
import type { StripeLimits } from '../config/stripe-limits';
import { actedOn, isActedOn, laneOf } from '../relays/inbox-dispatcher';
import type { KnownPayment } from '../relays/inbox-dispatcher';
import type { Activities } from './temporal';

/** What the processes are made of. */
export interface DependencyOptions {
  readonly databaseUrl: string;
  readonly redis: Redis;
  readonly stripe: StripeConfig;
  /** Requests to Stripe are not limited where absent. */
  readonly stripeLimits?: StripeLimits;
  /** Notices go to the log where absent. */
  readonly notifications?: NotificationSettings;
  readonly encryptionKeys: readonly EncryptionKey[];
  /** Where a customer renews a payment; put into events and notices. */
  readonly paymentLink: (orderId: string) => string;
  readonly log: Logger;
  readonly maxDatabaseConnections?: number;
}

/** Everything built once per process; the only composition root is in this folder. */
export interface Dependencies {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly stripe: Stripe;
  readonly keyring: Keyring;
  readonly dataConverter: DataConverter;
  readonly activities: Activities;
  readonly queries: ReturnType<typeof createOrderQueries>;
  readonly rates: ReturnType<typeof createRateQueries>;
  readonly settlement: ReturnType<typeof createSettlementStore>;
  readonly refunds: RefundStore;
  readonly subscriptions: ReturnType<typeof createSubscriptionQueries>;
  readonly subscriptionRefresher: ReturnType<typeof createSubscriptionRefresher>;
  readonly disputes: ReturnType<typeof createDisputeQueries>;
  /** Whose a payment is at the provider. */
  readonly paymentOwners: ReturnType<typeof createPaymentOwners>;
  readonly cancelDuplicate: ReturnType<typeof createDuplicateCanceller>;
  readonly inbox: ReturnType<typeof createInbox>;
  readonly outbox: ReturnType<typeof createOutbox>;
  readonly notices: ReturnType<typeof createNoticeStore>;
  readonly noticeChannels: NoticeChannels;
  readonly idempotency: ReturnType<typeof createIdempotencyStore>;
  readonly eventLister: ReturnType<typeof createEventLister>;
  readonly verifyWebhook: ReturnType<typeof createWebhookVerifier>;
  /** What is recorded of a payment, for the inbox. */
  findPayment(paymentIntentId: string): Promise<KnownPayment | undefined>;
  close(): Promise<void>;
}

/** Builds all parts over their connections. Nothing is reached yet. */
export function createDependencies(options: DependencyOptions): Dependencies {
  const { log, redis } = options;
  let closing = false;
  const pool = openPool(options, () => closing);
  const keyring = createKeyring(options.encryptionKeys);
  const { secretKey, apiUrl, webhookSecrets } = options.stripe;
  const account = { secretKey, ...(apiUrl !== undefined && { apiUrl }) };
  const stripe = createStripeClient(account);
  const store = createPaymentStore({ pool, keyring });
  const cache = createPaymentCache(redis, {
    scope: accountScope(account),
    onFailure: (command, err) => log.debug({ err, command }, 'the cache missed'),
  });
  const queries = createOrderQueries(pool, keyring);
  // One for all activities that ask Stripe: they share its limits.
  const limiter = createLimiter(options);
  const limited = limiter === undefined ? {} : { limiter };
  const provider = paymentContext({ stripe, store, cache, log, ...limited });
  const settlement = createSettlementStore({ pool });
  const refunds = createRefundStore({ pool });
  const subscriptionStore = createSubscriptionStore({ pool });
  const subscribers = { payments: provider, store: subscriptionStore };
  const noticeChannels = createNoticeChannels(options.notifications ?? {}, {
    ofOrder: createOrderContacts(pool, keyring),
    ofProviderCustomer: createProviderContacts(stripe, limiter),
    log,
  });
  return {
    pool,
    redis,
    stripe,
    keyring,
    dataConverter: createDataConverter(keyring),
    activities: {
      ...createOrderStore({ pool, keyring, paymentLink: options.paymentLink }),
      ...createPaymentActivities(provider),
      ...createSettlementActivities(provider, settlement),
      ...refundRecords(refunds),
      ...createRefundActivities(provider, refunds),
      ...disputeActivities(provider, createDisputeStore({ pool, keyring }), createFraudWarningStore({ pool })),
      ...createSubscriptionActivities(subscribers),
      ...subscriptionExceptions(subscriptionStore),
    },
    queries,
    rates: createRateQueries(pool),
    settlement,
    refunds,
    subscriptions: createSubscriptionQueries(pool),
    subscriptionRefresher: createSubscriptionRefresher(subscribers),
    disputes: createDisputeQueries(pool, keyring),
    paymentOwners: createPaymentOwners(provider),
    cancelDuplicate: createDuplicateCanceller(provider),
    inbox: createInbox({ pool, keyring, isActedOn, laneOf }),
    outbox: createOutbox({ pool }),
    notices: createNoticeStore({ pool }),
    noticeChannels,
    idempotency: createIdempotencyStore({ pool, keyring }),
    eventLister: createEventLister(stripe, { ...limited, types: actedOn }),
    verifyWebhook: createWebhookVerifier({ secrets: webhookSecrets }),
    findPayment: paymentFinder(store, queries),
    async close() {
      closing = true;
      noticeChannels.close();
      redis.disconnect();
      await pool.end();
    },
  };
}

/**
 * The driver's error carries its client along, with every statement that it has prepared, so only its message is logged. A pool that
 * is closed says so before its connections have ended, and a server that ends then breaks them.
 */
function openPool({ databaseUrl, maxDatabaseConnections, log }: DependencyOptions, isClosing: () => boolean): Pool {
  return createPool(databaseUrl, {
    onIdleError: ({ message }) => {
      if (!isClosing()) log.warn({ reason: message }, 'a database connection broke');
    },
    ...(maxDatabaseConnections === undefined ? {} : { maxConnections: maxDatabaseConnections }),
  });
}

/** What is recorded of a payment, and whether its order is. */
function paymentFinder(
  store: ReturnType<typeof createPaymentStore>,
  queries: ReturnType<typeof createOrderQueries>,
): Dependencies['findPayment'] {
  return async (paymentIntentId) => {
    const found = await store.findAttemptByPaymentIntent(paymentIntentId);
    if (found === undefined) return undefined;
    const { orderId, cartId, attempt, status, tombstoned, startedAt } = found;
    const channel = await queries.channelOf(orderId);
    return {
      orderId,
      attempt,
      status,
      tombstoned,
      startedAt,
      orderExists: channel !== undefined,
      ...(channel === undefined ? {} : { channel }),
      ...(cartId === undefined ? {} : { cartId }),
    };
  };
}

function disputeActivities(
  provider: PaymentContext,
  disputes: ReturnType<typeof createDisputeStore>,
  warnings: ReturnType<typeof createFraudWarningStore>,
): AllDisputeActivities {
  const { loadDispute, warnOfDispute, decideDispute } = disputes;
  return {
    ...{ loadDispute, warnOfDispute, decideDispute, decideFraudWarning: warnings.decideFraudWarning },
    ...createDisputeActivities(provider, disputes),
    ...createFraudWarningActivities(provider, warnings),
  };
}

/** Of the store only what workflows call is offered as activities. */
function refundRecords(store: RefundStore): RefundActivities {
  const { beginRefund, loadRefund, withdrawRefund, flagRefund, resolveRefund } = store;
  return { beginRefund, loadRefund, withdrawRefund, flagRefund, resolveRefund };
}

/** As of refunds. */
function subscriptionExceptions({
  raiseSubscriptionException,
  resolveSubscriptionException,
}: SubscriptionExceptions): SubscriptionExceptions {
  return { raiseSubscriptionException, resolveSubscriptionException };
}

/** Live mode and a sandbox have limits of their own, so each mode has a scope of its own. */
function createLimiter({ redis, stripe, stripeLimits, log }: DependencyOptions): RequestLimiter | undefined {
  if (stripeLimits === undefined) return undefined;
  const { localShare, ...limits } = stripeLimits;
  return createStripeLimiter(redis, {
    scope: /^(sk|rk)_live_/.test(stripe.secretKey) ? 'stripe-live' : 'stripe-test',
    limits,
    localShare,
    onChange: (change, err) =>
      change === 'lost'
        ? log.warn({ err, localShare }, 'Redis is away: this process keeps to its own share of the limits of Stripe')
        : log.info('Redis is back: the limits of Stripe are shared again'),
  });
}
