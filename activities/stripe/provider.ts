import type Stripe from 'stripe';
import type { Money } from '../../workflows/domain/shared/money';
import { ConcurrencyCap } from './concurrency';
import { defect, isMissing, noneIfMissing, toFailure, unknownOutcome, unsettled, type StripeCall } from './errors';
import type { RequestLimiter } from './limiter';
import { rateLimitOf } from './rate-limited';
import { metadataKeys } from './metadata';

/**
 * The limiter says how often requests begin; this, how many a process may have open where the provider is slow: what live mode
 * allows in a second, at a second each. Measured with answers that take so long: 8 let 7.7/s of 25/s through, these all of it.
 */
const MAX_IN_FLIGHT = 100;
const PAGE_SIZE = 100;
/** 10,000 payments: more than a busy shop makes in the minutes that an unknown outcome stays unknown. */
const MAX_PAGES = 100;
/** Clocks differ, and the attempt is written down a moment before the provider is asked. */
const CLOCK_MARGIN_MS = 5 * 60_000;

const EXPAND: string[] = ['latest_charge'];

/** How to find what an attempt made when its id was lost. */
export interface LostAttempt {
  readonly operationKey: string;
  /** UTC ISO string: nothing of it is older. */
  readonly startedAt: string;
  /** The provider's customer, where it is known: its own short list is looked at first. */
  readonly stripeCustomerId?: string;
}

/** The requests that activities make, with their answers checked; shared by all activities of a process. */
export class PaymentProvider {
  private readonly cap = new ConcurrencyCap(MAX_IN_FLIGHT);
  /** Captures under way by idempotency key: how often each was sent. */
  private readonly sent = new Map<string, number>();

  constructor(
    private readonly stripe: Stripe,
    private readonly limiter?: RequestLimiter,
  ) {
    stripe.on('request', ({ idempotency_key: key = '' }) => {
      const sent = this.sent.get(key);
      if (sent !== undefined) this.sent.set(key, sent + 1);
    });
  }

  /** The requests of one activity run; failures of its reads name what it was doing. Together they wait so long in line. */
  during(call: StripeCall, maxWaitMs: number): ProviderSession {
    let leftMs = maxWaitMs;
    return new ProviderSession(this.stripe, call, this.sent, async (endpoint, request) => {
      const since = performance.now();
      await this.limiter?.acquire({ endpoint, priority: call.priority, ticket: ticketOf(call), maxWaitMs: leftMs });
      leftMs = Math.max(0, leftMs - (performance.now() - since));
      try {
        // Only then: who waits for his turn must not keep a place from those who have theirs.
        return await this.cap.run(request);
      } catch (error) {
        const refusal = rateLimitOf(error, endpoint);
        if (refusal !== undefined) this.limiter?.refused(refusal);
        throw error;
      }
    });
  }
}

/** The same from try to try of one piece of work, a local first try and the regular ones after it included. */
function ticketOf({ operation, orderId, subscriptionId, workId }: StripeCall): string {
  return `${operation}:${orderId ?? subscriptionId ?? workId}`;
}

type Send = <T>(endpoint: string, request: () => Promise<T>) => Promise<T>;

/**
 * Reads end in ApplicationFailures: there is nothing about them to decide. Writes throw the SDK's errors, for the activity to
 * tell a declined card from an unknown outcome.
 */
export class ProviderSession {
  constructor(
    private readonly stripe: Stripe,
    readonly call: StripeCall,
    private readonly sent: Map<string, number>,
    private readonly send: Send,
  ) {}

  async create(params: Stripe.PaymentIntentCreateParams, idempotencyKey: string): Promise<Stripe.PaymentIntent> {
    const answer = await this.send('payment_intents.create', () =>
      this.stripe.paymentIntents.create({ ...params, expand: EXPAND }, { idempotencyKey }),
    );
    return this.current(answer);
  }

  async confirm(
    id: string,
    params: Stripe.PaymentIntentConfirmParams,
    idempotencyKey: string,
  ): Promise<Stripe.PaymentIntent> {
    const answer = await this.send('payment_intents.confirm', () =>
      this.stripe.paymentIntents.confirm(id, { ...params, expand: EXPAND }, { idempotencyKey }),
    );
    return this.current(answer);
  }

  /** Changes what a PaymentIntent that holds nothing asks for. Without a key of our own: the same change again is none. */
  async setAmount(id: string, { amount, currency }: Money): Promise<void> {
    const update = () => this.stripe.paymentIntents.update(id, { amount, currency });
    this.checked(await this.send('payment_intents.update', update));
  }

  async capture(
    id: string,
    params: Stripe.PaymentIntentCaptureParams,
    idempotencyKey: string,
  ): Promise<Stripe.PaymentIntent> {
    this.sent.set(idempotencyKey, 0);
    try {
      const answer = await this.send('payment_intents.capture', () =>
        this.stripe.paymentIntents.capture(id, { ...params, expand: EXPAND }, { idempotencyKey }),
      );
      return this.checked(answer);
    } catch (error) {
      // The SDK sends once more by itself where a connection was closed, and the first request may have been made.
      if (isMissing(error) && (this.sent.get(idempotencyKey) ?? 0) > 1)
        throw unknownOutcome(this.call, `the provider does not know ${id}, and an earlier request was not answered`);
      throw error;
    } finally {
      this.sent.delete(idempotencyKey);
    }
  }

  /**
   * Without a key of our own: a cancel does nothing twice by itself, and a kept key would only replay an earlier refusal
   * after the payment has come into a state that can be canceled.
   */
  async cancel(id: string): Promise<Stripe.PaymentIntent> {
    const answer = await this.send('payment_intents.cancel', () =>
      this.stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned', expand: EXPAND }),
    );
    return this.checked(answer);
  }

  async retrieve(id: string): Promise<Stripe.PaymentIntent> {
    const request = () => this.stripe.paymentIntents.retrieve(id, { expand: EXPAND });
    return this.checked(await this.read('payment_intents.retrieve', request));
  }

  /** As `retrieve`; undefined where the provider knows no such PaymentIntent. */
  async retrieveIfKnown(id: string): Promise<Stripe.PaymentIntent | undefined> {
    const request = () => this.stripe.paymentIntents.retrieve(id, { expand: EXPAND }).catch(noneIfMissing);
    const intent = await this.read('payment_intents.retrieve', request);
    return intent && this.checked(intent);
  }

  /**
   * The PaymentIntent that an attempt made, fetched fresh; undefined where it made none. By lists, which show a write at
   * once; search may lag behind it by a minute and more, and would call a hold that stands `none`.
   */
  async find(lost: LostAttempt): Promise<Stripe.PaymentIntent | undefined> {
    const { stripeCustomerId } = lost;
    const own = stripeCustomerId === undefined ? undefined : await this.findIn({ customer: stripeCustomerId }, lost);
    const found = own ?? (await this.findIn({}, lost));
    return found === undefined ? undefined : this.retrieve(found);
  }

  /** Reads an object other than a PaymentIntent; failures as of any read. */
  async read<T>(endpoint: string, request: () => Promise<T>): Promise<T> {
    try {
      return await this.send(endpoint, request);
    } catch (error) {
      throw toFailure(error, this.call, false);
    }
  }

  /** Sends a write that is not about a PaymentIntent. */
  write<T>(endpoint: string, request: () => Promise<T>): Promise<T> {
    return this.send(endpoint, request);
  }

  private async findIn(filter: Stripe.PaymentIntentListParams, lost: LostAttempt): Promise<string | undefined> {
    const gte = Math.floor((Date.parse(lost.startedAt) - CLOCK_MARGIN_MS) / 1000);
    let after: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const cursor = after === undefined ? {} : { starting_after: after };
      const params = { ...filter, created: { gte }, limit: PAGE_SIZE, ...cursor };
      const request = () => this.stripe.paymentIntents.list(params).catch(noneIfMissing);
      const answer = await this.read('payment_intents.list', request);
      // The customer came from the cache, and is none of this account.
      if (answer === undefined) return undefined;
      if (answer.object !== 'list' || !Array.isArray(answer.data))
        throw unsettled(this.call, 'the provider answered with no list');
      const found = answer.data.find((intent) => intent.metadata[metadataKeys.operation] === lost.operationKey);
      if (found !== undefined) return found.id;
      after = answer.data.at(-1)?.id;
      if (!answer.has_more || after === undefined) return undefined;
    }
    throw unsettled(
      this.call,
      `more than ${MAX_PAGES * PAGE_SIZE} payments were made since; the lost one was not found among the newest`,
    );
  }

  /** A replayed answer tells how things were when the key was first used; what is true now may be another thing. */
  private current(answer: Stripe.Response<Stripe.PaymentIntent>): Promise<Stripe.PaymentIntent> | Stripe.PaymentIntent {
    const intent = this.checked(answer);
    return answer.lastResponse?.headers['idempotent-replayed'] === 'true' ? this.retrieve(intent.id) : intent;
  }

  /** The SDK takes every JSON without an `error` for a success, whatever its status. */
  private checked(intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
    if (intent.object !== 'payment_intent' || typeof intent.id !== 'string' || intent.id === '') {
      throw unsettled(this.call, 'what answered is not the provider: the body is no PaymentIntent');
    }
    return intent;
  }
}

/** Throws a Defect where a PaymentIntent carries the id of another order: money of one must never pay for another. */
export function assertOwn(intent: Stripe.PaymentIntent, orderId: string, call: StripeCall): void {
  const owner = intent.metadata[metadataKeys.order];
  if (owner !== orderId)
    throw defect(call, `${intent.id} belongs to ${owner === undefined ? 'no order' : `order ${owner}`}`);
}
