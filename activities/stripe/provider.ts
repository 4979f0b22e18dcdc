import type Stripe from 'stripe';
import type { Money } from '../../workflows/domain/shared/money';
import { ConcurrencyCap } from './concurrency';
import { defect, isMissing, noneIfMissing, toFailure, unknownOutcome, retryLater, type StripeCall } from './errors';
import type { RequestLimiter } from './limiter';
import { rateLimitOf } from './rate-limited';
import { metadataKeys } from './metadata';

/**
 * How many requests a process may have open at once; the limiter only decides how many begin per second. 100 is what live mode
 * allows in a second, for answers that take a second each. Measured with such answers and a limit of 25/s: 8 open requests let
 * 7.7/s through, 100 all of it.
 */
const MAX_IN_FLIGHT = 100;
const PAGE_SIZE = 100;
/** 10,000 payments: more than a busy shop makes while an outcome stays unknown, which takes minutes. */
const MAX_PAGES = 100;
/** Clocks differ, and the attempt is recorded a moment before the request is sent. */
const CLOCK_MARGIN_MS = 5 * 60_000;

const EXPAND: string[] = ['latest_charge'];

/** How to find the PaymentIntent of an attempt if the answer with its id was lost. */
export interface LostAttempt {
  readonly operationKey: string;
  /** UTC ISO string: its PaymentIntent cannot be older. */
  readonly startedAt: string;
  /** The provider's customer, if it is known: its own payments, a short list, are searched first. */
  readonly stripeCustomerId?: string;
}

/** Sends the requests of activities and checks the answers; shared by all activities of a process. */
export class PaymentProvider {
  private readonly cap = new ConcurrencyCap(MAX_IN_FLIGHT);
  /** For each capture under way, by idempotency key: how often it was sent. */
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

  /** A session for one activity run. `maxWaitMs`: how long all its requests together may wait for the limiter. */
  during(call: StripeCall, maxWaitMs: number): ProviderSession {
    let leftMs = maxWaitMs;
    return new ProviderSession(this.stripe, call, this.sent, async (endpoint, request) => {
      const since = performance.now();
      await this.limiter?.acquire({ endpoint, priority: call.priority, ticket: ticketOf(call), maxWaitMs: leftMs });
      leftMs = Math.max(0, leftMs - (performance.now() - since));
      try {
        // After the limiter, so that a request which still waits for its turn occupies none of the open requests.
        return await this.cap.run(request);
      } catch (error) {
        const refusal = rateLimitOf(error, endpoint);
        if (refusal !== undefined) this.limiter?.refused(refusal);
        throw error;
      }
    });
  }
}

/** The same for all tries of one piece of work, a local first try included. */
function ticketOf({ operation, orderId, subscriptionId, workId }: StripeCall): string {
  return `${operation}:${orderId ?? subscriptionId ?? workId}`;
}

type Send = <T>(endpoint: string, request: () => Promise<T>) => Promise<T>;

/**
 * Reads throw ApplicationFailures, because there is nothing to decide about them. Writes throw the SDK's errors, so that the
 * activity can distinguish a declined card from an unknown outcome.
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

  /** Changes the amount of a PaymentIntent that holds nothing. Without an idempotency key, because repeating the change does nothing. */
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
      // The SDK repeats a request by itself if its connection was closed, and the first one may have been executed.
      if (isMissing(error) && (this.sent.get(idempotencyKey) ?? 0) > 1)
        throw unknownOutcome(
          this.call,
          `the provider does not know ${id}, but an earlier request for it was sent and not answered`,
        );
      throw error;
    } finally {
      this.sent.delete(idempotencyKey);
    }
  }

  /**
   * Without an idempotency key: a second cancel does nothing, and a key would only replay an earlier refusal after the payment
   * has reached a state in which it can be canceled.
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

  /** Like `retrieve`, but undefined if the provider does not know the PaymentIntent. */
  async retrieveIfKnown(id: string): Promise<Stripe.PaymentIntent | undefined> {
    const request = () => this.stripe.paymentIntents.retrieve(id, { expand: EXPAND }).catch(noneIfMissing);
    const intent = await this.read('payment_intents.retrieve', request);
    return intent && this.checked(intent);
  }

  /**
   * The PaymentIntent that an attempt made, fetched fresh; undefined if it made none. Uses lists, which show a write at once:
   * the provider's search may lag by a minute or more and would miss an open hold.
   */
  async find(lost: LostAttempt): Promise<Stripe.PaymentIntent | undefined> {
    const { stripeCustomerId } = lost;
    const own = stripeCustomerId === undefined ? undefined : await this.findIn({ customer: stripeCustomerId }, lost);
    const found = own ?? (await this.findIn({}, lost));
    return found === undefined ? undefined : this.retrieve(found);
  }

  /** Reads any object. @throws ApplicationFailure */
  async read<T>(endpoint: string, request: () => Promise<T>): Promise<T> {
    try {
      return await this.send(endpoint, request);
    } catch (error) {
      throw toFailure(error, this.call, false);
    }
  }

  /** Sends any other write. @throws the SDK's errors */
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
      // The cached customer belongs to another account.
      if (answer === undefined) return undefined;
      if (answer.object !== 'list' || !Array.isArray(answer.data))
        throw retryLater(this.call, 'the provider’s answer is not a list');
      const found = answer.data.find((intent) => intent.metadata[metadataKeys.operation] === lost.operationKey);
      if (found !== undefined) return found.id;
      after = answer.data.at(-1)?.id;
      if (!answer.has_more || after === undefined) return undefined;
    }
    throw retryLater(
      this.call,
      `more than ${MAX_PAGES * PAGE_SIZE} payments were made since this attempt; it was not found among the newest`,
    );
  }

  /** A replayed answer shows the state at the first use of the key, so the current one is fetched. */
  private current(answer: Stripe.Response<Stripe.PaymentIntent>): Promise<Stripe.PaymentIntent> | Stripe.PaymentIntent {
    const intent = this.checked(answer);
    return answer.lastResponse?.headers['idempotent-replayed'] === 'true' ? this.retrieve(intent.id) : intent;
  }

  /** The SDK treats any JSON without an `error` as a success, whatever its status. */
  private checked(intent: Stripe.PaymentIntent): Stripe.PaymentIntent {
    if (intent.object !== 'payment_intent' || typeof intent.id !== 'string' || intent.id === '') {
      throw retryLater(this.call, 'the answer is not the provider’s: the body is not a PaymentIntent');
    }
    return intent;
  }
}

/** @throws ApplicationFailure `Defect` if the PaymentIntent belongs to another order: the money of one must never pay for another */
export function assertOwn(intent: Stripe.PaymentIntent, orderId: string, call: StripeCall): void {
  const owner = intent.metadata[metadataKeys.order];
  if (owner !== orderId)
    throw defect(call, `${intent.id} belongs to ${owner === undefined ? 'no order' : `order ${owner}`}`);
}
