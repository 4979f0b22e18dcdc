import { planNotices } from '../../../../workflows/domain/dunning/dunning';
import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import {
  at,
  DAY_MS,
  FIRST_TRY_MS,
  hard,
  HOUR_MS,
  INVOICE_MADE_MS,
  invoiceFacts,
  LOUD_POLICY,
  planOf,
  seventh,
  subscriptionFactsOf,
  told,
  unplanned,
  type FactChanges,
  type Planned,
} from '../../../support/facts/subscription';

const PAGE = 'https://shop.example/subscriptions/{subscriptionId}';

const dayAfter = FIRST_TRY_MS + DAY_MS;
const trialFailed = { stage: 'trial_payment_failed', trial: 'conversion_failed', entitled: false } as const;
const first = told('payment_failed', 1, FIRST_TRY_MS + 2 * HOUR_MS);

describe('a payment that failed', () => {
  it.each<[string, FactChanges, number, readonly Planned[]]>([
    ['says nothing in the first moments', {}, 0, [['payment_failed', 2, 1]]],
    ['says it when the grace is over', {}, 2, [['payment_failed', 2, 1]]],
    ['says it at once where it is looked at late', {}, 5, [['payment_failed', 5, 1]]],
    ['says nothing twice of one try', { told: [first] }, 5, []],
    ['says nothing shortly before the next try', {}, 22.5, []],
    ['says nothing while the next try is overdue', {}, 25, []],
    ['says nothing before a next try is planned', { invoice: unplanned() }, 3, []],
    ['says nothing of an invoice that was not tried', { invoice: invoiceFacts({ attemptCount: 0 }) }, 5, []],
    ['says nothing of one that was forgiven', { invoice: invoiceFacts({ status: 'void' }) }, 5, []],
    [
      'keeps its distance from the notice before',
      {
        told: [first],
        invoice: invoiceFacts({
          attemptCount: 4,
          failedAt: at(FIRST_TRY_MS + 5 * DAY_MS),
          nextAttemptAt: at(FIRST_TRY_MS + 9 * DAY_MS),
        }),
      },
      124,
      [['payment_failed', 146, 4]],
    ],
    [
      'waits for the next try where the distance leads past it',
      {
        told: [first],
        invoice: invoiceFacts({ attemptCount: 2, failedAt: at(dayAfter), nextAttemptAt: at(dayAfter + 2 * DAY_MS) }),
      },
      30,
      [],
    ],
    ['is told of the trial where that was its first payment', trialFailed, 3, [['trial_payment_failed', 3, 1]]],
    ['asks for a card at once where only that helps', { invoice: hard() }, 3, [['card_needed', 3, 1]]],
    ['does so too where no payment method is left', { hasPaymentMethod: false }, 3, [['card_needed', 3, 1]]],
    [
      'and where a next try is not planned',
      { invoice: hard({ nextAttemptAt: at(FIRST_TRY_MS + 4 * HOUR_MS) }) },
      3,
      [['card_needed', 3, 1]],
    ],
    [
      'and where the bank wants to see the customer',
      { invoice: hard({ declineClass: 'authentication' }) },
      3,
      [['card_needed', 3, 1]],
    ],
    [
      'is told of the trial with a hard decline too',
      { ...trialFailed, invoice: hard() },
      3,
      [['trial_payment_failed', 3, 1]],
    ],
    [
      'says nothing more where the count goes on without a try',
      {
        invoice: hard({ attemptCount: 3, nextAttemptAt: at(dayAfter + 9 * DAY_MS) }),
        told: [told('card_needed', 1, FIRST_TRY_MS + 2 * HOUR_MS)],
      },
      200,
      [],
    ],
    [
      'is over once the provider has given up',
      { invoice: unplanned(), exhausted: true },
      8,
      [['subscription_ended', 8, 'end']],
    ],
  ])('%s', (_name, changes, hours, planned) => {
    expect(planOf(changes, FIRST_TRY_MS + hours * HOUR_MS)).toEqual(planned);
  });

  it('soft: what, when again, how many tries are left, and where to pay; hard: no date, no promise', () => {
    const policy = { ...LOUD_POLICY, payLink: PAGE };
    const dataOf = (changes: FactChanges) =>
      planNotices(subscriptionFactsOf(changes), FIRST_TRY_MS + 3 * HOUR_MS, policy)[0];
    expect(dataOf({})).toEqual({
      noticeKey: 'dunning:in_1:1:payment_failed',
      kind: 'payment_failed',
      subject: { type: 'subscription', id: 'sub_1' },
      recipient: { to: 'provider_customer', stripeCustomerId: 'cus_1' },
      data: {
        amount: { amount: 1_900, currency: 'eur' },
        productName: 'Coffee club',
        declineCode: 'insufficient_funds',
        payLink: 'https://shop.example/subscriptions/sub_1',
        nextTryAt: at(dayAfter),
        triesLeft: 7,
      },
      dueAt: at(FIRST_TRY_MS + 3 * HOUR_MS),
      expiresAt: at(dayAfter),
      quietHours: { from: '00:00', to: '00:00', timeZone: 'UTC' },
    });
    expect(dataOf({ invoice: hard({ declineClass: 'authentication', attemptCount: 4 }) })).toMatchObject({
      data: { reason: 'authentication', payLink: 'https://shop.example/subscriptions/sub_1' },
    });
    for (const changes of [{ invoice: hard() }, { ...trialFailed, invoice: hard() }]) {
      expect(JSON.stringify(dataOf(changes))).not.toMatch(/triesLeft|nextTryAt|expiresAt|until/);
    }
    expect(dataOf({ invoice: hard({ declineCode: 'stolen_card' }) })?.data).not.toHaveProperty('declineCode');
  });

  it("links to the provider's page where the shop has none", () => {
    const invoice = invoiceFacts({ hostedUrl: 'https://pay.example/in_1', amountPaid: 900 });
    const [notice] = planNotices(subscriptionFactsOf({ invoice }), FIRST_TRY_MS + 3 * HOUR_MS, LOUD_POLICY);
    expect(notice?.data).toMatchObject({ payLink: 'https://pay.example/in_1', amount: { amount: 1_000 } });
  });

  it('does not keep a customer in the dark because tries follow each other closely', () => {
    const tries = (ms: number) =>
      invoiceFacts({ attemptCount: 3, failedAt: at(ms), nextAttemptAt: at(ms + 3 * HOUR_MS) });
    const early = INVOICE_MADE_MS + 2 * DAY_MS;
    expect(planOf({ invoice: tries(early) }, early + 2 * HOUR_MS)).toEqual([]);
    const late = INVOICE_MADE_MS + 12 * DAY_MS;
    expect(planOf({ invoice: tries(late) }, late + 2 * HOUR_MS)).toHaveLength(1);
  });
});

describe('the last notice', () => {
  const alreadyTold = [told('card_needed', 1, FIRST_TRY_MS - 9 * DAY_MS)];
  it.each<[string, FactChanges, number, readonly Planned[]]>([
    ['goes out two days before the final try', { invoice: seventh(3 * DAY_MS) }, 3, [['payment_last_try', 24, 'last']]],
    ['at once where that time has passed', { invoice: seventh(DAY_MS) }, 3, [['payment_last_try', 3, 'last']]],
    ['after the grace all the same', { invoice: seventh(DAY_MS) }, 0, [['payment_last_try', 2, 'last']]],
    [
      'keeps no distance from the notice before',
      { invoice: seventh(DAY_MS), told: [told('payment_failed', 6, FIRST_TRY_MS - HOUR_MS)] },
      3,
      [['payment_last_try', 3, 'last']],
    ],
    [
      'once only',
      { invoice: seventh(DAY_MS), told: [told('payment_last_try', 'last', FIRST_TRY_MS + HOUR_MS)] },
      5,
      [],
    ],
    [
      'also where the provider goes on trying',
      {
        invoice: seventh(DAY_MS, { attemptCount: 9 }),
        told: [told('payment_last_try', 'last', FIRST_TRY_MS - DAY_MS)],
      },
      5,
      [],
    ],
    [
      'also where only a card helps by then',
      { invoice: hard({ attemptCount: 7 }), told: [told('payment_last_try', 'last', FIRST_TRY_MS - DAY_MS)] },
      5,
      [],
    ],
    [
      'and nothing after it, also where it was not the final try after all',
      {
        invoice: invoiceFacts({ attemptCount: 5 }),
        told: [told('payment_last_try', 'last', FIRST_TRY_MS - 9 * DAY_MS)],
      },
      5,
      [],
    ],
    ['not so close before the try that nobody could act on it', { invoice: seventh(4 * HOUR_MS) }, 3, []],
    [
      'where no other try fits into the span',
      { invoice: invoiceFacts({ attemptCount: 4, nextAttemptAt: at(INVOICE_MADE_MS + 13.5 * DAY_MS) }) },
      24,
      [['payment_last_try', 11.5 * 24 - 1, 'last']],
    ],
    [
      'not where one still does',
      { invoice: invoiceFacts({ attemptCount: 4, nextAttemptAt: at(INVOICE_MADE_MS + 13 * DAY_MS) }) },
      24,
      [['payment_failed', 24, 4]],
    ],
    [
      'names the deadline where only a card helps',
      { invoice: hard({ attemptCount: 7, nextAttemptAt: at(FIRST_TRY_MS + 3 * DAY_MS) }), told: alreadyTold },
      3,
      [['card_needed', 24, 'last']],
    ],
    [
      'at once where a card was not asked for yet',
      { invoice: hard({ attemptCount: 7, nextAttemptAt: at(FIRST_TRY_MS + 3 * DAY_MS) }) },
      3,
      [['card_needed', 3, 'last']],
    ],
  ])('%s', (_name, changes, hours, planned) => {
    expect(planOf(changes, FIRST_TRY_MS + hours * HOUR_MS)).toEqual(planned);
  });

  it.each([
    [{}, 'canceled'],
    [{ providerOutcome: 'unpaid' as const }, 'unpaid'],
    [{ providerOutcome: 'past_due' as const }, 'past_due'],
    [{ providerOutcome: 'past_due' as const, onExhausted: 'cancel' as const }, 'canceled'],
  ])('says what comes after it: %j → %s', (changes, outcome) => {
    const facts = subscriptionFactsOf({ invoice: seventh(DAY_MS) });
    const [notice] = planNotices(facts, FIRST_TRY_MS + 3 * HOUR_MS, { ...LOUD_POLICY, ...changes });
    expect(notice).toMatchObject({ data: { lastTryAt: at(dayAfter), outcome }, expiresAt: at(dayAfter) });
  });
});

describe('in quiet hours', () => {
  // 21:00 to 08:00. The first try fails at 01:00 UTC.
  const { quietHours } = DEFAULT_DUNNING_POLICY;
  const policy = { ...LOUD_POLICY, quietHours };
  it.each<[string, FactChanges, number, readonly Planned[]]>([
    ['a notice waits for the morning', {}, 3, [['payment_failed', 7, 1]]],
    ["for the customer's morning", { timeZone: 'Asia/Tokyo' }, 3, [['payment_failed', 3, 1]]],
    [
      'and is not sent where the next try comes first',
      { invoice: invoiceFacts({ nextAttemptAt: at(FIRST_TRY_MS + 8 * HOUR_MS) }) },
      3,
      [],
    ],
    [
      'what names no date waits in any case',
      { invoice: hard({ nextAttemptAt: at(FIRST_TRY_MS + 4 * HOUR_MS) }) },
      3,
      [['card_needed', 7, 1]],
    ],
    [
      'the last notice waits where there is time',
      { invoice: seventh(54.5 * HOUR_MS) },
      3,
      [['payment_last_try', 7, 'last']],
    ],
    [
      'and does not wait for a night that is far away',
      { invoice: seventh(30.5 * HOUR_MS) },
      3,
      [['payment_last_try', 7, 'last']],
    ],
  ])('%s', (_name, changes, hours, planned) => {
    expect(planOf(changes, FIRST_TRY_MS + hours * HOUR_MS, policy)).toEqual(planned);
  });

  it('the last notice goes before the night when the try comes in the morning', () => {
    const eager = { ...policy, lastNoticeMs: 8 * HOUR_MS };
    // Failed at 01:00, the final try at 07:30 of the next day; eight hours before is 23:30, in the night.
    const [[kind, hours] = []] = planOf({ invoice: seventh(30.5 * HOUR_MS) }, FIRST_TRY_MS + 8 * HOUR_MS, eager);
    expect(kind).toBe('payment_last_try');
    const timeOfDay = at(FIRST_TRY_MS + (hours ?? 0) * HOUR_MS).slice(11, 16);
    expect(timeOfDay >= '20:45' && timeOfDay < '21:00').toBe(true);
    // In the night itself it is too late: better none than one at three in the morning.
    expect(planOf({ invoice: seventh(30.5 * HOUR_MS) }, FIRST_TRY_MS + 23 * HOUR_MS, eager)).toEqual([]);
  });
});
