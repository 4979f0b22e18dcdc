import type { Account } from '../state/account';
import { billingControls, type BillingControls } from '../billing/controls';
import { isDelivered } from '../state/events';
import type { HoldMatch } from '../payments/holds';
import { completeAuthentication } from '../payments/intent-confirm';
import type { IssuerDecisionOptions, IssuerOutcome } from '../bank/issuer';
import { moneyControls, type MoneyControls } from './money-controls';
import type { SimulatorClock } from '../state/clock';
import { viewOf, type EventView, type SimulatorState } from '../state/state';
import type { Faults } from '../http/faults';
import type { WebhookFaults, Webhooks } from '../webhooks';

interface CoreControls {
  /** Where webhooks go; events written while it is undefined are never delivered. */
  setWebhookEndpoint(url: string | undefined): void;
  setWebhookFaults(faults: WebhookFaults): void;
  /** Sends the webhooks that `hold` holds back. */
  releaseWebhooks(order?: 'as_written' | 'reversed' | 'shuffled'): void;
  /** Sends an event again; without an id, every event that was not delivered. Returns how many. */
  redeliver(eventId?: string): number;
  /** Resolves once no webhook is under way or waiting for a retry. */
  flush(): Promise<void>;
  /** Calls `listener` for every new event; returns a function that unsubscribes. */
  onEvent(listener: (event: EventView) => void): () => void;
  /** Sets how long the next matching hold lasts (at least 1000 ms); calls queue up. */
  setNextHoldDuration(durationMs: number, match?: HoldMatch): void;
  /**
   * Sets the issuer's answers for a customer or a payment method (`approve`, `authentication_required` or a decline code), by default
   * for off-session charges only; undefined removes them, so that the test card decides. Several outcomes are used one after the other
   * (each `times` times, once by default); then the test card decides again.
   */
  issueDecision(
    target: string,
    outcome: IssuerOutcome | readonly IssuerOutcome[] | undefined,
    options?: IssuerDecisionOptions,
  ): void;
  /** The customer passes or fails 3-D Secure; throws where the intent does not wait for it. */
  completeAuthentication(paymentIntentId: string, result: 'succeed' | 'fail'): void;
}

/** What tests and the demo may change in the account, outside of Stripe's API. Over HTTP: control.ts. */
type Controls = CoreControls & MoneyControls & BillingControls;

/** A running simulator. Everything here is also under `/_simulator/…` for other processes (see control.ts). */
export interface StripeSimulator extends Controls {
  readonly url: string;
  readonly port: number;
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly seed: number;
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  readonly state: SimulatorState;
  stop(): Promise<void>;
}

/** A control over HTTP; `id` is the one in its path. */
export type Action = (simulator: StripeSimulator, body: never, id: string, query: URLSearchParams) => unknown;

/** `changed` is called after each change, so that it is stored in the journal. */
export function controls(account: Account, webhooks: Webhooks, changed: () => void): Controls {
  return {
    ...coreControls(account, webhooks, changed),
    ...moneyControls(account, changed),
    ...billingControls(account, changed),
  };
}

function coreControls(account: Account, webhooks: Webhooks, changed: () => void): CoreControls {
  return {
    setWebhookEndpoint: (endpoint) => {
      webhooks.setEndpoint(endpoint);
      changed();
    },
    setWebhookFaults: (webhookFaults) => webhooks.setFaults(webhookFaults),
    releaseWebhooks: (order) => webhooks.release(order),
    redeliver: (eventId) => {
      const events = account.log.events
        .values()
        .filter((event) => (eventId === undefined ? !isDelivered(event) : event.id === eventId));
      webhooks.redeliver(events);
      return events.length;
    },
    flush: () => webhooks.flush(),
    onEvent: (listener) => account.log.subscribe((event) => listener(viewOf(event))),
    setNextHoldDuration: (durationMs, match) => {
      account.holds.setNext(durationMs, match);
      changed();
    },
    issueDecision: (target, outcome, decision) => {
      if (outcome === undefined) account.issuer.clear(target);
      else account.issuer.set(target, outcome, decision);
      changed();
    },
    completeAuthentication: (id, result) => {
      const intent = account.paymentIntents.get(id);
      if (intent === undefined) throw new Error(`No such payment_intent: ${id}`);
      completeAuthentication(account, intent, result);
      changed();
    },
  };
}
