import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { nextLook, subscriptionWaiting } from '../../../../workflows/domain/dunning/look';
import type { DunningPolicy } from '../../../../workflows/domain/subscription/subscription';
import {
  at,
  DAY_MS,
  FIRST_TRY_MS,
  hard,
  HOUR_MS,
  INVOICE_MADE_MS,
  invoiceFacts,
  LOUD_POLICY,
  subscriptionFactsOf,
  told,
  unplanned,
  type FactChanges,
} from '../../../support/facts/subscription';

/** Hours after the first try (1 March, 01:00) at which is looked next, and what for. */
const lookOf = (changes: FactChanges, hours: number, policy: DunningPolicy = LOUD_POLICY) => {
  const next = nextLook(subscriptionFactsOf(changes), FIRST_TRY_MS + hours * HOUR_MS, policy);
  return next && [(Date.parse(next.at) - FIRST_TRY_MS) / HOUR_MS, next.why];
};
const afterHours = (hours: number): string => at(FIRST_TRY_MS + hours * HOUR_MS);

const RENEWED = { stage: 'active', invoice: invoiceFacts({ status: 'paid' }) } as const;
const TRIAL = { stage: 'trialing', trial: 'running', providerStatus: 'trialing', invoice: undefined } as const;
const first = told('payment_failed', 1, FIRST_TRY_MS + 2 * HOUR_MS);
const meanwhile = 'to see whether the payment was made meanwhile';

describe('the next look', () => {
  it.each<[string, FactChanges, number, readonly [number, string] | undefined]>([
    ['is the notice that is due next', {}, 0, [2, 'to send the notice payment_failed']],
    ['after one that is due now: when the next may be', {}, 2, [2 + 6 * 24, meanwhile]],
    ['after one that was told: the same', { told: [first] }, 5, [2 + 6 * 24, meanwhile]],
    ['is after the next try where a notice is held back for it', {}, 23, [24 + 3, meanwhile]],
    [
      'is after the next try where the one after is the final one',
      {
        invoice: invoiceFacts({ attemptCount: 6, failedAt: at(FIRST_TRY_MS), nextAttemptAt: afterHours(48) }),
        told: [told('payment_failed', 6, FIRST_TRY_MS + 2 * HOUR_MS)],
      },
      5,
      [48 + 3, meanwhile],
    ],
    [
      'is before the end of the span, where the distance leads past it',
      {
        invoice: invoiceFacts({ attemptCount: 5, failedAt: afterHours(8 * 24), nextAttemptAt: afterHours(9 * 24) }),
        told: [told('payment_failed', 5, FIRST_TRY_MS + 8 * DAY_MS + 2 * HOUR_MS)],
      },
      8 * 24 + 5,
      [12 * 24 - 1, meanwhile],
    ],
    ['waits for a next try to be planned', { invoice: unplanned() }, 0, [2, 'to see whether another try is planned']],
    [
      'but not for its own sake, where nothing could be said yet',
      { invoice: unplanned({ attemptCount: 2, failedAt: afterHours(24) }), told: [first] },
      24,
      [2 + 6 * 24, 'to see whether another try is planned'],
    ],
    [
      'is soon where a notice that could be said is held back for a try',
      {
        invoice: invoiceFacts({ attemptCount: 4, failedAt: afterHours(140), nextAttemptAt: afterHours(147) }),
        told: [first],
      },
      146,
      [150, meanwhile],
    ],
    ['and then for the end of that', { invoice: unplanned() }, 2, [6, 'to see whether another try is planned']],
    [
      'is after the final try once the last notice is told',
      { invoice: invoiceFacts({ attemptCount: 7 }), told: [told('payment_last_try', 'last', FIRST_TRY_MS)] },
      5,
      [25, 'to see what became of the final try'],
    ],
    [
      'of a try that is late comes at widening distances',
      { told: [first], invoice: invoiceFacts({ attemptCount: 6 }) },
      29,
      [31, meanwhile],
    ],
    [
      'of one that is very late: wider',
      { told: [first], invoice: invoiceFacts({ attemptCount: 6 }) },
      47,
      [67, meanwhile],
    ],
    [
      'after a hard decline is not after each try',
      { invoice: hard(), told: [told('card_needed', 1, FIRST_TRY_MS + 2 * HOUR_MS)] },
      5,
      [146, meanwhile],
    ],
    [
      'of a renewal comes when its failure could be told',
      RENEWED,
      0,
      [31 * 24 - 1 + 3, 'to see whether the next period is paid'],
    ],
    [
      'of one that ends: after the end',
      { ...RENEWED, cancelAtPeriodEnd: true },
      0,
      [31 * 24, 'to see that it has ended'],
    ],
    [
      'of a period that is long over: widening',
      { ...RENEWED, currentPeriodEnd: at(FIRST_TRY_MS) },
      33,
      [63, 'to see whether the next period is paid'],
    ],
    [
      'without a date: some day',
      { ...RENEWED, currentPeriodEnd: undefined },
      0,
      [30 * 24, 'to see whether anything has changed'],
    ],
    [
      'of a trial comes before its end, to ask what it costs',
      { ...TRIAL, trialEndsAt: afterHours(240) },
      0,
      [168, 'to see what the end of the trial will cost'],
    ],
    [
      'or to send it',
      { ...TRIAL, trialEndsAt: afterHours(240), upcomingAmount: 5 },
      0,
      [168, 'to send the notice trial_ending'],
    ],
    ['then after its end', { ...TRIAL, trialEndsAt: afterHours(240) }, 168, [243, 'to see how the trial ended']],
    [
      'and until it is paid or refused',
      { ...RENEWED, trial: 'converting', trialEndsAt: at(FIRST_TRY_MS) },
      1,
      [3, 'to see how the trial ended'],
    ],
    [
      'of a first payment: when it lapses',
      { stage: 'incomplete' },
      0,
      [23, 'to see whether the first payment was made'],
    ],
    [
      'of what was left unpaid: the next period',
      { stage: 'unpaid', told: [told('subscription_ended', 'end', FIRST_TRY_MS)] },
      1,
      [31 * 24 + 2, 'to see whether the next period is paid'],
    ],
    ['is none once it is over', { stage: 'canceled', invoice: undefined }, 0, undefined],
    ['but for a last word', { stage: 'canceled', endedAt: at(FIRST_TRY_MS) }, 0, undefined],
  ])('%s', (_name, changes, hours, look) => {
    expect(lookOf(changes, hours)).toEqual(look);
  });

  it('is after the quiet hours, since no notice could be sent in them', () => {
    const { quietHours } = DEFAULT_DUNNING_POLICY;
    const quiet = { ...LOUD_POLICY, quietHours };
    // The period ends at midnight; at three its failure could be announced.
    expect(lookOf(RENEWED, 0, quiet)).toEqual([31 * 24 - 1 + 8, 'to see whether the next period is paid']);
    const ended = { stage: 'canceled', providerStatus: 'canceled', endedAt: at(FIRST_TRY_MS) } as const;
    expect(lookOf(ended, 0, quiet)).toEqual([7, 'to send the notice subscription_ended']);
  });
});

describe('whom a subscription waits for', () => {
  it.each<[string, FactChanges, readonly [string, string] | undefined]>([
    ['a renewal: the provider', RENEWED, ['provider', '2026-04-01T00:00:00.000Z']],
    ['a trial: the provider', { ...TRIAL, trialEndsAt: afterHours(240) }, ['provider', afterHours(240)]],
    ['a soft failure: the provider', {}, ['provider', at(INVOICE_MADE_MS + 14 * DAY_MS)]],
    ['a hard one: the customer', { invoice: hard() }, ['customer', at(INVOICE_MADE_MS + 14 * DAY_MS)]],
    ['tries that are over: the customer', { exhausted: true }, ['customer', '2026-04-01T00:00:00.000Z']],
    ['unpaid: the customer', { stage: 'unpaid' }, ['customer', '2026-04-01T00:00:00.000Z']],
    ['a first payment: the customer', { stage: 'incomplete' }, ['customer', at(INVOICE_MADE_MS + 23 * HOUR_MS)]],
    [
      'a pause: the customer, some day',
      { stage: 'paused', currentPeriodEnd: undefined },
      ['customer', at(INVOICE_MADE_MS + 30 * DAY_MS)],
    ],
    ['an end: nobody', { stage: 'canceled' }, undefined],
    ['a lapsed one: nobody', { stage: 'incomplete_expired' }, undefined],
  ])('%s', (_name, changes, expected) => {
    const waiting = subscriptionWaiting(subscriptionFactsOf(changes), LOUD_POLICY);
    expect(waiting && [waiting.on, waiting.until]).toEqual(expected);
  });

  it('stays the same over all tries of one invoice', () => {
    const untils = [1, 4, 7].map(
      (attemptCount) =>
        subscriptionWaiting(subscriptionFactsOf({ invoice: invoiceFacts({ attemptCount }) }), LOUD_POLICY)?.until,
    );
    expect(new Set(untils).size).toBe(1);
  });
});
