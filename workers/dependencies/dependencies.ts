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

export interface DependencyOptions {
  readonly databaseUrl: string;
  readonly redis: Redis;
  readonly stripe: StripeConfig;
  /** Where absent, requests to Stripe are not limited. */
  readonly stripeLimits?: StripeLimits;
  /** Where absent, notices are only logged. */
  readonly notifications?: NotificationSettings;
  readonly encryptionKeys: readonly EncryptionKey[];
  /** The link with which a customer renews a payment; part of events and notices. */
  readonly paymentLink: (orderId: string) => string;
  readonly log: Logger;
  readonly maxDatabaseConnections?: number;
}

/** Everything that is built once per process. */
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
  /** Looks up at the provider which order a payment belongs to. */
  readonly paymentOwners: ReturnType<typeof createPaymentOwners>;
  readonly cancelDuplicate: ReturnType<typeof createDuplicateCanceller>;
  readonly inbox: ReturnType<typeof createInbox>;
  readonly outbox: ReturnType<typeof createOutbox>;
  readonly notices: ReturnType<typeof createNoticeStore>;
  readonly noticeChannels: NoticeChannels;
  readonly idempotency: ReturnType<typeof createIdempotencyStore>;
  readonly eventLister: ReturnType<typeof createEventLister>;
  readonly verifyWebhook: ReturnType<typeof createWebhookVerifier>;
  /** Finds our record of a payment, for the inbox. */
  findPayment(paymentIntentId: string): Promise<KnownPayment | undefined>;
  close(): Promise<void>;
}

/** Builds all parts over their connections, without connecting yet. */
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
  // One client for all activities that call Stripe: they share its limits.
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
 * Logs only the message of an error: the driver's error object contains its client with every prepared statement. While the pool
 * closes, a server that ends breaks the last connections, which needs no warning.
 */
function openPool({ databaseUrl, maxDatabaseConnections, log }: DependencyOptions, isClosing: () => boolean): Pool {
  return createPool(databaseUrl, {
    onIdleError: ({ message }) => {
      if (!isClosing()) log.warn({ reason: message }, 'a database connection broke');
    },
    ...(maxDatabaseConnections === undefined ? {} : { maxConnections: maxDatabaseConnections }),
  });
}

/** Finds our record of a payment, and whether its order is recorded. */
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

/** Only the methods that workflows call become activities. */
function refundRecords(store: RefundStore): RefundActivities {
  const { beginRefund, loadRefund, withdrawRefund, flagRefund, resolveRefund } = store;
  return { beginRefund, loadRefund, withdrawRefund, flagRefund, resolveRefund };
}

function subscriptionExceptions({
  raiseSubscriptionException,
  resolveSubscriptionException,
}: SubscriptionExceptions): SubscriptionExceptions {
  return { raiseSubscriptionException, resolveSubscriptionException };
}

/** Live mode and sandboxes have separate limits at Stripe, so each has its own scope. */
function createLimiter({ redis, stripe, stripeLimits, log }: DependencyOptions): RequestLimiter | undefined {
  if (stripeLimits === undefined) return undefined;
  const { localShare, ...limits } = stripeLimits;
  return createStripeLimiter(redis, {
    scope: /^(sk|rk)_live_/.test(stripe.secretKey) ? 'stripe-live' : 'stripe-test',
    limits,
    localShare,
    onChange: (change, err) =>
      change === 'lost'
        ? log.warn(
            { err, localShare },
            'Redis is not available: this process uses its own share of the rate limits of Stripe',
          )
        : log.info('Redis is available: the rate limits of Stripe are shared again'),
  });
}
