import { createHmac } from 'node:crypto';
import http from 'node:http';
import { eventJson, type EventDelivery, type StoredEvent } from './state/events';
import { SeededRandom } from './state/random';

/** Deliveries at once: enough to keep one receiver busy, few enough not to open a socket for each event. */
const CONCURRENCY = 8;
/** Stripe retries for three days; here the pauses are 50 ms, 100 ms, … so that six attempts take about 1.6 s of real time. */
const RETRY_BASE_MS = 50;
const MAX_ATTEMPTS = 6;
/** A delivery without an answer in this time has failed; Stripe's own limit is similar. */
const ATTEMPT_TIMEOUT_MS = 10_000;
/** An incomplete reorder window is sent after this time, so that no event waits for ever. */
const WINDOW_TIMEOUT_MS = 100;

/** Simulated faults of the delivery; all are off by default. */
export interface WebhookFaults {
  /** How often each event is sent; 1 is once. */
  copies?: number;
  /** Events are collected in groups of this many and sent in shuffled order. */
  reorderWindow?: number;
  /** Deliveries at once; with 1, events arrive in the order in which they are sent. */
  concurrency?: number;
  /** Events are kept back until `release`. */
  hold?: boolean;
  /** Events of these types are lost; a `*` at the end matches any rest, `*` alone matches all. */
  dropTypes?: string[];
  /** The share of events that are lost, 0 to 1. */
  dropProbability?: number;
}

interface Delivery {
  readonly event: StoredEvent;
  attempt: number;
}

/** Sends signed webhooks to one endpoint, asynchronously, with retries and with simulated faults. */
export class Webhooks {
  /** Called after every change of an event's delivery. */
  onDelivery: ((event: StoredEvent) => void) | undefined;
  private endpoint: string | undefined;
  /** After a restart: the endpoint will be set again, so events wait for it. */
  private awaitsEndpoint = false;
  private faults: WebhookFaults = {};
  private queue: Delivery[] = [];
  private held: Delivery[] = [];
  private window: Delivery[] = [];
  private windowTimer: NodeJS.Timeout | undefined;
  private active = 0;
  private readonly retries = new Set<NodeJS.Timeout>();
  private readonly idleListeners = new Set<() => void>();
  private readonly random: SeededRandom;
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  private stopped = false;
  /** Attempts sent so far, copies and retries included. */
  attempts = 0;

  constructor(
    private readonly secret: string,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
  }

  setEndpoint(url: string | undefined): void {
    this.endpoint = url;
    this.awaitsEndpoint = false;
    this.pump();
  }

  /** Is there an endpoint, or was there one before a restart? */
  get hasEndpoint(): boolean {
    return this.endpoint !== undefined || this.awaitsEndpoint;
  }

  /** After a restart: these events, and those to come, are sent once the endpoint is set. */
  awaitEndpoint(undelivered: readonly StoredEvent[]): void {
    this.awaitsEndpoint = true;
    for (const event of undelivered) this.queueAgain(event);
  }

  /** Replaces the faults; events that are held back stay so until `release`. */
  setFaults(faults: WebhookFaults): void {
    this.faults = faults;
    if (faults.reorderWindow === undefined) this.sendWindow();
  }

  /** Queues a new event for delivery. Without an endpoint, events are not delivered. */
  enqueue(event: StoredEvent): void {
    if (!this.hasEndpoint || this.stopped) return;
    if (this.isDropped(event)) {
      this.mark(event, 'dropped');
      return;
    }
    this.mark(event, 'pending');
    for (let copy = 0; copy < (this.faults.copies ?? 1); copy += 1) this.admit({ event, attempt: 0 });
  }

  /** Sends the events that are held back; `order` may shuffle them by the seed or reverse them. */
  release(order: 'as_written' | 'reversed' | 'shuffled' = 'as_written'): void {
    const held = this.held.splice(0);
    const ordered = order === 'shuffled' ? this.random.shuffle(held) : order === 'reversed' ? held.reverse() : held;
    this.queue.push(...ordered);
    this.pump();
  }

  /** Sends events again, even those that were delivered. */
  redeliver(events: readonly StoredEvent[]): void {
    if (this.endpoint === undefined) return;
    for (const event of events) this.queueAgain(event);
    this.pump();
  }

  /**
   * Resolves once no delivery is in progress or waits for a retry. Events that `hold` holds back, or that wait for the endpoint
   * after a restart, do not count.
   */
  async flush(): Promise<void> {
    this.sendWindow();
    if (this.isIdle()) return;
    await new Promise<void>((resolve) => {
      const listener = (): void => {
        this.idleListeners.delete(listener);
        resolve();
      };
      this.idleListeners.add(listener);
    });
  }

  counts(): { queued: number; held: number; active: number; retrying: number; attempts: number } {
    const queued = this.queue.length + this.window.length;
    return {
      queued,
      held: this.held.length,
      active: this.active,
      retrying: this.retries.size,
      attempts: this.attempts,
    };
  }

  stop(): void {
    this.stopped = true;
    this.queue = [];
    this.held = [];
    this.window = [];
    clearTimeout(this.windowTimer);
    for (const timer of this.retries) clearTimeout(timer);
    this.retries.clear();
    this.agent.destroy();
    this.notifyIdle();
  }

  private queueAgain(event: StoredEvent): void {
    this.mark(event, 'pending');
    this.queue.push({ event, attempt: 0 });
  }

  private mark(event: StoredEvent, delivery: EventDelivery): void {
    event.delivery = delivery;
    this.onDelivery?.(event);
  }

  private isDropped(event: StoredEvent): boolean {
    const { dropTypes = [], dropProbability = 0 } = this.faults;
    if (dropTypes.some((type) => (type.endsWith('*') ? event.type.startsWith(type.slice(0, -1)) : type === event.type)))
      return true;
    return dropProbability > 0 && this.random.next() < dropProbability;
  }

  private admit(delivery: Delivery): void {
    if (this.faults.hold === true) {
      this.held.push(delivery);
      return;
    }
    if (this.faults.reorderWindow === undefined) {
      this.queue.push(delivery);
      this.pump();
      return;
    }
    this.window.push(delivery);
    if (this.window.length >= this.faults.reorderWindow) this.sendWindow();
    else this.windowTimer ??= setTimeout(() => this.sendWindow(), WINDOW_TIMEOUT_MS).unref();
  }

  private sendWindow(): void {
    clearTimeout(this.windowTimer);
    this.windowTimer = undefined;
    this.queue.push(...this.random.shuffle(this.window.splice(0)));
    this.pump();
  }

  private pump(): void {
    while (this.active < (this.faults.concurrency ?? CONCURRENCY) && !this.stopped && !this.awaitsEndpoint) {
      const delivery = this.queue.shift();
      if (delivery === undefined) break;
      this.active += 1;
      void this.deliver(delivery);
    }
    this.notifyIdle();
  }

  private async deliver(delivery: Delivery): Promise<void> {
    delivery.attempt += 1;
    this.attempts += 1;
    const accepted = this.endpoint !== undefined && (await this.post(this.endpoint, eventJson(delivery.event)));
    this.active -= 1;
    if (accepted) this.mark(delivery.event, 'delivered');
    else if (delivery.attempt >= MAX_ATTEMPTS) this.giveUp(delivery.event);
    else if (!this.stopped) this.retryLater(delivery);
    this.pump();
  }

  /** A copy that fails does not undo another copy's success. */
  private giveUp(event: StoredEvent): void {
    if (event.delivery === 'pending') this.mark(event, 'failed');
  }

  private retryLater(delivery: Delivery): void {
    const timer = setTimeout(
      () => {
        this.retries.delete(timer);
        this.queue.push(delivery);
        this.pump();
      },
      RETRY_BASE_MS * 2 ** (delivery.attempt - 1),
    ).unref();
    this.retries.add(timer);
  }

  private post(url: string, body: string): Promise<boolean> {
    return new Promise((resolve) => {
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'stripe-signature': signature(this.secret, body),
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      };
      const request = http.request(
        url,
        { method: 'POST', headers, agent: this.agent, timeout: ATTEMPT_TIMEOUT_MS },
        (response) => {
          response.resume();
          const { statusCode = 0 } = response;
          response.on('end', () => resolve(statusCode >= 200 && statusCode < 300));
          response.on('error', () => resolve(false));
        },
      );
      request.on('timeout', () => request.destroy(new Error('webhook receiver timed out')));
      request.on('error', () => resolve(false));
      request.end(body);
    });
  }

  private isIdle(): boolean {
    return (
      this.stopped ||
      this.awaitsEndpoint ||
      (this.active === 0 && this.queue.length === 0 && this.retries.size === 0 && this.window.length === 0)
    );
  }

  private notifyIdle(): void {
    if (!this.isIdle()) return;
    for (const listener of this.idleListeners) listener();
  }
}

/**
 * The `Stripe-Signature` header. It is dated by real time, not by the simulator's clock: the receiver compares it with its
 * own clock, and after a jump of a week every webhook would look forged.
 */
function signature(secret: string, body: string): string {
  const timestamp = Math.floor(Date.now() / 1000);
  const hash = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${hash}`;
}
