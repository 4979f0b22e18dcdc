import { SeededRandom } from '../../../workers/embedded/stripe/state/random';
import type { StripeSimulator, WebhookFaults } from '../../../workers/embedded/stripe/server';

type SentEvent = ReturnType<StripeSimulator['state']['events']>[number];

/** What becomes of webhooks between the provider and us, stage by stage of a story. */
export interface Network {
  readonly faults: WebhookFaults;
  /**
   * What comes through at the end of a stage. `firsts` are ids of objects that nobody here can know of but by a webhook: of each
   * at least one event comes.
   */
  deliver(simulator: StripeSimulator, firsts: readonly string[]): void;
  /** What comes when all is over. */
  deliverLate(simulator: StripeSimulator): void;
}

const nothing = (): void => undefined;

/** Each event comes once, as it was sent. */
export const fine: Network = { faults: {}, deliver: nothing, deliverLate: nothing };

/** Each event comes three times, out of order within sixteen. */
export const tripled: Network = { ...fine, faults: { copies: 3, reorderWindow: 16 } };

/** None comes but the one that tells of something new: the earliest, since nothing of it was known before. */
export function dropped(): Network {
  const told = new Set<string>();
  return {
    ...fine,
    faults: { dropTypes: ['*'] },
    deliver(simulator, firsts) {
      for (const id of firsts.filter((one) => !told.has(one))) {
        const first = eventsOf(simulator, id)[0];
        if (first === undefined) throw new Error(`nothing was said of ${id}`);
        told.add(id);
        simulator.redeliver(first.id);
      }
    },
  };
}

/**
 * In each stage half of all events that were ever held back come, one after the other in random order, so that most are old when
 * they come; the rest, and all of them again, come when all is over.
 */
export function permuted(seed: number): Network {
  const random = new SeededRandom(seed);
  const sent = new Set<string>();
  const send = (simulator: StripeSimulator, events: readonly SentEvent[]): void => {
    for (const { id } of random.shuffle(events)) {
      sent.add(id);
      simulator.redeliver(id);
    }
  };
  return {
    // One at a time: else the order of arrival is luck.
    faults: { hold: true, concurrency: 1 },
    deliver(simulator, firsts) {
      const kept = simulator.state.events().filter((one) => !sent.has(one.id));
      send(
        simulator,
        kept.filter(() => random.next() < 0.5),
      );
      for (const id of firsts) {
        const events = eventsOf(simulator, id);
        // Any of them may be the first that comes.
        if (!events.some((one) => sent.has(one.id))) send(simulator, random.shuffle(events).slice(0, 1));
      }
    },
    deliverLate(simulator) {
      send(simulator, simulator.state.events());
      simulator.releaseWebhooks('shuffled');
    },
  };
}

function eventsOf(simulator: StripeSimulator, objectId: string): SentEvent[] {
  return simulator.state.events().filter((one) => one.objectId === objectId);
}
