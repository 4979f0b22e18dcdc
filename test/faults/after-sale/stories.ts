import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import type { StripeSimulator } from '../../../workers/embedded/stripe/server';
import type { AfterSalePlay } from './play';
import type { Fault } from '../plan';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

type Step = (play: AfterSalePlay) => Promise<void> | void;

/** What happens to one refund, dispute or subscription. */
export interface AfterSaleStory {
  readonly name: string;
  /** Stories that are set up alike have the same. */
  readonly setting: string;
  /** Faults of the story itself, so that the way out of them has boundaries too. */
  readonly faults: readonly Fault[];
  /** The world's provider, before anything happens. */
  readonly provider?: (simulator: StripeSimulator) => void;
  /** Without faults: the sale that it is about. */
  readonly setUp: Step;
  /** All cases make each step together, so that the provider's one clock suits all of them. */
  readonly steps: readonly Step[];
  /** What is asked for again, in another way, where it was refused. */
  readonly corrected?: Step;
  /** How it must end once it is healed, whatever broke on the way. */
  readonly ends: string;
}

const everything = [
  { sku: 'MUG-BLUE', quantity: 2 },
  { sku: 'TEAPOT-1L', quantity: 1 },
];
const mugs = [{ sku: 'MUG-BLUE', quantity: 2 }];
const teapot = [{ sku: 'TEAPOT-1L', quantity: 1 }];
const TOTAL = 7970;

const shipped: Step = (play) => play.ship(everything);
/** What has not shipped is held under an authorization of its own. */
const shippedInPart: Step = (play) => play.ship(mugs);
const shippedTwice: Step = (play) => play.ship(mugs, teapot);

type Outcome = Parameters<StripeSimulator['setNextRefund']>[0];

const ask =
  (amount: number, outcome: Outcome): Step =>
  (play) => {
    const match = { metadata: { holdfast_order_id: play.orderId } };
    play.world.simulator.setNextRefund(outcome, { match, times: 2 });
    return play.refund({ amount });
  };

const to =
  (ms: number): Step =>
  (play) =>
    play.liveTo(ms);

const open =
  (kind: 'dispute' | 'inquiry' = 'dispute'): Step =>
  (play) => {
    play.openDispute(kind);
    return play.followDispute();
  };
const decided =
  (outcome: 'won' | 'lost' | 'warning_closed'): Step =>
  (play) =>
    void play.world.simulator.decideDispute(play.disputeId, outcome);
/** To so long before the provider's deadline. */
const toDeadline =
  (beforeMs: number): Step =>
  (play) =>
    play.liveUntil(play.dueMs - beforeMs);

/** Longer than cases that heal within a step move the provider's clock. */
const PENDING: Outcome = { kind: 'pending', then: 'succeed', afterMs: HOUR_MS };
const lost = (activity: string, mode: Fault['mode'], occurrence = 1): Fault => ({ activity, occurrence, mode });

export const refundStories: readonly AfterSaleStory[] = [
  {
    name: 'refund confirmed',
    setting: 'one payment',
    faults: [],
    setUp: shipped,
    steps: [ask(2000, PENDING), to(3 * HOUR_MS), to(61 * DAY_MS)],
    ends: 'refund succeeded',
  },
  {
    name: 'refund comes back',
    setting: 'one payment',
    faults: [],
    setUp: shipped,
    steps: [
      ask(2000, { kind: 'fail_after', afterMs: 3 * DAY_MS, failureReason: 'lost_or_stolen_card' }),
      to(20 * MINUTE_MS),
      to(2 * DAY_MS),
      to(8 * DAY_MS),
      (play) => play.settleByTransfer(),
    ],
    ends: 'refund resolved',
  },
  {
    name: 'refund fails and is made again',
    setting: 'one payment, refused',
    faults: [],
    setUp: shipped,
    steps: [
      (play) => {
        const match = { metadata: { holdfast_order_id: play.orderId } };
        play.world.simulator.setNextRefund({ kind: 'pending', then: 'fail', afterMs: HOUR_MS }, { match, times: 1 });
        return play.refund({ amount: 2000 });
      },
      to(3 * HOUR_MS),
      // Also where it was sent late, it has failed by then.
      to(18 * HOUR_MS),
      (play) => play.refundAgain(),
      to(36 * HOUR_MS),
    ],
    ends: 'refund resolved, refund succeeded',
  },
  {
    name: 'refund of two payments',
    setting: 'two payments',
    faults: [],
    setUp: shippedTwice,
    // Also where a part was sent late, it is confirmed by then.
    steps: [ask(TOTAL, PENDING), to(3 * HOUR_MS), to(18 * HOUR_MS)],
    ends: 'refund succeeded',
  },
  {
    name: 'refund not heard of',
    setting: 'one payment',
    faults: [lost('sendRefund', 'lost-after')],
    setUp: shipped,
    steps: [ask(2000, PENDING), to(3 * HOUR_MS), to(6 * HOUR_MS)],
    ends: 'refund succeeded',
  },
  {
    name: 'refund taken back',
    setting: 'one payment, customer asked',
    faults: [],
    setUp: shipped,
    steps: [
      ask(2000, { kind: 'requires_action', then: 'stay' }),
      to(20 * MINUTE_MS),
      to(HOUR_MS),
      (play) => play.takeRefundBack(),
      // What the provider has taken back is still owed.
      (play) => play.settleByTransfer(),
    ],
    ends: 'refund resolved',
  },
  {
    name: 'refund during a dispute',
    setting: 'a dispute',
    faults: [],
    setUp: async (play) => {
      await play.ship(everything);
      play.openDispute();
      await play.followDispute(false);
    },
    steps: [(play) => play.refund({ amount: 2000 })],
    ends: 'no refund',
  },
];

export const disputeStories: readonly AfterSaleStory[] = [
  {
    name: 'dispute won',
    setting: 'all shipped',
    faults: [],
    setUp: shipped,
    steps: [open(), (play) => play.decideDispute({ uncategorizedText: 'winning_evidence' }), to(5 * HOUR_MS)],
    ends: 'dispute won',
  },
  {
    name: 'dispute accepted',
    setting: 'shipped in part',
    faults: [],
    setUp: shippedInPart,
    steps: [open(), (play) => play.decideDispute({ action: 'accept' }), to(HOUR_MS), (play) => play.cancelOrder()],
    ends: 'dispute lost',
  },
  {
    name: 'dispute left to the policy',
    setting: 'all shipped',
    faults: [],
    setUp: shipped,
    steps: [
      open(),
      toDeadline(71 * HOUR_MS),
      toDeadline(23 * HOUR_MS),
      toDeadline(HOUR_MS),
      decided('lost'),
      toDeadline(-4 * DAY_MS),
    ],
    ends: 'dispute lost',
  },
  {
    name: 'inquiry closed',
    setting: 'an inquiry',
    faults: [],
    setUp: shipped,
    steps: [open('inquiry'), (play) => play.decideDispute(), decided('warning_closed'), to(3 * DAY_MS)],
    ends: 'dispute warning_closed',
  },
  {
    name: 'answer not heard of',
    setting: 'all shipped',
    faults: [lost('carryOutDispute', 'lost-after')],
    setUp: shipped,
    steps: [open(), (play) => play.decideDispute({ uncategorizedText: 'winning_evidence' }), to(5 * HOUR_MS)],
    ends: 'dispute won',
  },
];

const tries =
  (scheduleMs: readonly number[], onExhausted: 'cancel' | 'past_due' = 'cancel') =>
  (simulator: StripeSimulator): void =>
    void simulator.setBilling({ scheduleMs: [...scheduleMs], finalizationDelayMs: 0, onExhausted });

const subscribed =
  (subscriber: Parameters<AfterSalePlay['subscribe']>[0]): Step =>
  (play) =>
    play.subscribe(subscriber);
const follow: Step = (play) => play.followSubscription();
/** To so long after its period's end. */
const past =
  (ms: number): Step =>
  (play) =>
    play.liveUntil(play.renewalMs + ms);
const endedByUs = { ...DEFAULT_DUNNING_POLICY, providerOutcome: 'past_due', onExhausted: 'cancel' } as const;

export const subscriptionStories: readonly AfterSaleStory[] = [
  {
    name: 'trial converts',
    setting: 'a trial',
    faults: [],
    provider: tries([3 * DAY_MS, 6 * DAY_MS]),
    setUp: subscribed({ trialDays: 14 }),
    steps: [follow, to(10 * DAY_MS), to(12.5 * DAY_MS), to(15 * DAY_MS)],
    ends: 'subscription active',
  },
  {
    name: 'renewal recovers',
    setting: 'a renewal',
    faults: [],
    provider: tries([3 * DAY_MS, 6 * DAY_MS]),
    setUp: subscribed({ renewals: ['insufficient_funds'] }),
    steps: [follow, past(1.5 * DAY_MS), past(12 * DAY_MS)],
    ends: 'subscription active',
  },
  {
    name: 'dunning to the end',
    setting: 'a renewal that is left past due',
    faults: [],
    provider: tries([3 * DAY_MS, 6 * DAY_MS], 'past_due'),
    setUp: subscribed({ renewals: 'insufficient_funds' }),
    steps: [
      (play) => play.followSubscription({ ...endedByUs, maxAttempts: 3, retrySpanMs: 6 * DAY_MS }),
      past(1.5 * DAY_MS),
      past(5 * DAY_MS),
      past(14 * DAY_MS),
    ],
    ends: 'subscription canceled',
  },
  {
    name: 'won back by a new card',
    setting: 'a renewal for good',
    faults: [],
    provider: tries([3 * DAY_MS, 6 * DAY_MS]),
    setUp: subscribed({ renewals: 'insufficient_funds' }),
    steps: [follow, past(1.5 * DAY_MS), (play) => play.pay(), past(5 * DAY_MS)],
    corrected: (play) => play.pay(),
    ends: 'subscription active',
  },
];

export const afterSaleStories = [...refundStories, ...disputeStories, ...subscriptionStories];
