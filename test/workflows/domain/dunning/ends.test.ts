import { planNotices } from '../../../../workflows/domain/dunning/dunning';
import { noticeKey, parseNoticeKey } from '../../../../workflows/domain/dunning/keys';
import { assertDunningPolicy, DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { mustEnd, untrueNotices } from '../../../../workflows/domain/dunning/rules';
import type { NoticeKind } from '../../../../workflows/domain/notice/notices';
import type { DunningPolicy, QueuedNotice } from '../../../../workflows/domain/subscription/subscription';
import {
  at,
  DAY_MS,
  FIRST_TRY_MS,
  hard,
  HOUR_MS,
  invoiceFacts,
  LOUD_POLICY,
  MINUTE_MS,
  planOf,
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

describe('the end of it', () => {
  const paid = invoiceFacts({ status: 'paid', amountPaid: 1_900 });
  const canceled = { providerStatus: 'canceled', stage: 'canceled', entitled: false, endedAt: at(dayAfter) } as const;
  it.each<[string, FactChanges, number, readonly Planned[]]>([
    [
      'a recovery is told to who was told of the failure',
      { stage: 'active', invoice: paid, told: [first] },
      30,
      [['payment_recovered', 30, 'paid']],
    ],
    ['to nobody else', { stage: 'active', invoice: paid }, 30, []],
    ['once', { stage: 'active', invoice: paid, told: [first, told('payment_recovered', 'paid', dayAfter)] }, 30, []],
    [
      'not for the failure of another invoice',
      { stage: 'active', invoice: { ...paid, invoiceId: 'in_2' }, told: [first] },
      30,
      [],
    ],
    [
      'not for an invoice that was forgiven',
      { stage: 'active', invoice: invoiceFacts({ status: 'void' }), told: [first] },
      30,
      [],
    ],
    [
      'after a win-back too',
      { stage: 'active', invoice: paid, told: [told('subscription_ended', 'end', dayAfter)] },
      30,
      [['payment_recovered', 30, 'paid']],
    ],
    ['canceled by dunning', { ...canceled, endReason: 'payment_failed' }, 25, [['subscription_ended', 25, 'end']]],
    ['canceled, and nobody says why', canceled, 25, [['subscription_ended', 25, 'end']]],
    ['canceled by the customer', { ...canceled, endReason: 'cancellation_requested' }, 25, []],
    ['canceled with everything paid', { ...canceled, invoice: paid }, 25, []],
    ['canceled, and told', { ...canceled, told: [told('subscription_ended', 'end', dayAfter)] }, 25, []],
    ['canceled weeks ago', canceled, 24 * 9, []],
    ['unpaid for longer than that is news', { stage: 'unpaid', entitled: false }, 24 * 22, []],
    [
      'left unpaid',
      { stage: 'unpaid', entitled: false, stageSince: at(dayAfter) },
      25,
      [['subscription_ended', 25, 'end']],
    ],
  ])('%s', (_name, changes, hours, planned) => {
    expect(planOf(changes, FIRST_TRY_MS + hours * HOUR_MS)).toEqual(planned);
  });

  it('is caused by Holdfast only if the policy says so, and is announced once it has happened', () => {
    const facts = subscriptionFactsOf({ exhausted: true, invoice: unplanned() });
    const cancels = { ...LOUD_POLICY, onExhausted: 'cancel' as const };
    expect([mustEnd(facts, LOUD_POLICY), mustEnd(facts, cancels)]).toEqual([false, true]);
    expect(mustEnd(subscriptionFactsOf(), cancels)).toBe(false);
    expect(planNotices(facts, dayAfter, cancels)).toEqual([]);
    expect(planNotices(facts, dayAfter, LOUD_POLICY)).toMatchObject([{ data: { outcome: 'past_due' } }]);
  });

  it('offers a way back that is one', () => {
    const hosted = invoiceFacts({ hostedUrl: 'https://pay.example/in_1' });
    const linkOf = (changes: FactChanges, policy: DunningPolicy = LOUD_POLICY) =>
      planNotices(subscriptionFactsOf({ ...changes, invoice: hosted }), dayAfter, policy)[0]?.data;
    expect(linkOf(canceled)).not.toHaveProperty('payLink');
    expect(linkOf(canceled, { ...LOUD_POLICY, payLink: PAGE })).toHaveProperty('payLink');
    expect(linkOf({ stage: 'unpaid' })).toMatchObject({ payLink: 'https://pay.example/in_1', outcome: 'unpaid' });
  });
});

describe('trials and pauses', () => {
  const trial = {
    providerStatus: 'trialing',
    stage: 'trialing',
    trial: 'running',
    trialEndsAt: at(FIRST_TRY_MS + 10 * DAY_MS),
    upcomingAmount: 1_900,
    invoice: undefined,
  } as const;
  const paused = {
    providerStatus: 'paused',
    stage: 'paused',
    invoice: undefined,
    stageSince: at(FIRST_TRY_MS),
  } as const;
  const pausedTold: QueuedNotice = {
    noticeKey: 'subscription:sub_1:x:subscription_paused',
    kind: 'subscription_paused',
    at: at(FIRST_TRY_MS),
  };
  it.each<[string, FactChanges, number, readonly Planned[]]>([
    ['a trial is warned of three days before its end', trial, 0, [['trial_ending', 7 * 24]]],
    ['at once where it was cut short', { ...trial, trialEndsAt: at(dayAfter) }, 2, [['trial_ending', 2]]],
    ['not where nothing will be charged', { ...trial, upcomingAmount: 0 }, 0, []],
    ['not before that was asked', { ...trial, upcomingAmount: undefined }, 0, []],
    ['not where it was canceled', { ...trial, cancelAtPeriodEnd: true }, 0, []],
    ['not where nothing is collected', { ...trial, collectionPaused: true }, 0, []],
    ['not once it is over', { ...trial, trialEndsAt: at(FIRST_TRY_MS) }, 2, []],
    [
      'once for each date',
      {
        ...trial,
        told: [
          { noticeKey: 'subscription:sub_1:20260311T010000Z:trial_ending', kind: 'trial_ending', at: at(dayAfter) },
        ],
      },
      24 * 8,
      [],
    ],
    ['a pause is told', paused, 2, [['subscription_paused', 2]]],
    ['once', { ...paused, told: [pausedTold] }, 2, []],
    ['once, also where its beginning was not noted', { ...paused, stageSince: undefined, told: [pausedTold] }, 2, []],
    [
      'the next one too',
      { ...paused, stageSince: at(dayAfter), told: [pausedTold] },
      25,
      [['subscription_paused', 25]],
    ],
    ['to nobody at the checkout', { providerStatus: 'incomplete', stage: 'incomplete' }, 5, []],
    ['nothing is said under a word that is not known', { providerStatus: 'dormant' }, 5, []],
  ])('%s', (_name, changes, hours, planned) => {
    expect(planOf(changes, FIRST_TRY_MS + hours * HOUR_MS)).toEqual(planned);
  });

  it('says whether a payment method is there, and what is charged', () => {
    const [notice] = planNotices(subscriptionFactsOf({ ...trial, hasPaymentMethod: false }), FIRST_TRY_MS, LOUD_POLICY);
    expect(notice?.data).toEqual({
      productName: 'Coffee club',
      trialEndsAt: trial.trialEndsAt,
      amount: { amount: 1_900, currency: 'eur' },
      hasPaymentMethod: false,
    });
  });
});

describe('what is no longer true', () => {
  it.each<[string, FactChanges, readonly NoticeKind[]]>([
    ['once it is paid: every failure', { stage: 'active' }, ['payment_recovered']],
    ['while it fails softly', {}, ['payment_failed', 'payment_last_try', 'payment_recovered']],
    ['once only a card helps: what promises a try', { invoice: hard() }, ['card_needed', 'payment_recovered']],
    ['of a trial', trialFailed, ['payment_last_try', 'payment_recovered', 'trial_payment_failed']],
    [
      'of a trial whose card is refused for good',
      { ...trialFailed, invoice: hard() },
      ['card_needed', 'payment_recovered', 'trial_payment_failed'],
    ],
    ['once it is over', { stage: 'canceled' }, ['payment_recovered', 'subscription_ended']],
    ['once it is left', { exhausted: true }, ['subscription_ended']],
    ['in a trial', { stage: 'trialing' }, ['payment_recovered', 'trial_ending']],
    ['in a trial that was canceled', { stage: 'trialing', cancelAtPeriodEnd: true }, ['payment_recovered']],
    ['under a word that is not known: everything', { providerStatus: 'dormant' }, []],
  ])('%s', (_name, changes, fine) => {
    const all: NoticeKind[] = ['payment_failed', 'trial_payment_failed', 'card_needed', 'payment_last_try'];
    const kinds = [...all, 'payment_recovered', 'subscription_ended', 'trial_ending', 'subscription_paused'];
    const untrue = untrueNotices(subscriptionFactsOf(changes));
    expect(kinds.filter((kind) => !untrue.includes(kind as NoticeKind)).sort()).toEqual(fine);
  });
});

describe('keys and policy', () => {
  it.each([
    'dunning:in_1:3:payment_failed',
    'dunning:in_1:last:card_needed',
    'subscription:sub_1:20260311T010000Z:trial_ending',
  ])('%s is read as it is written', (key) => {
    const parsed = parseNoticeKey(key);
    expect(parsed && noticeKey(parsed)).toBe(key);
  });

  it.each(['refund:re_1:done', 'dunning:in_1:soon:payment_failed', 'dunning:in_1:1:2:payment_failed', ''])(
    '%j is none of ours',
    (key) => {
      expect(parseNoticeKey(key)).toBeUndefined();
    },
  );

  it.each<[Partial<DunningPolicy>, RegExp]>([
    [{ spacingMs: 0 }, /spacingMs/],
    [{ maxAttempts: Number.NaN }, /maxAttempts/],
    [{ planningMs: -MINUTE_MS }, /planningMs/],
    [{ graceMs: 3 * DAY_MS }, /graceMs must be less than lastNoticeMs/],
    [{ quietHours: { from: '9', to: '10:00' } }, /HH:MM/],
    [{ defaultTimeZone: 'Mars/Olympus' }, /time zone/i],
  ])('%j is refused', (changes, message) => {
    expect(() => assertDunningPolicy(DEFAULT_DUNNING_POLICY)).not.toThrow();
    expect(() => assertDunningPolicy({ ...DEFAULT_DUNNING_POLICY, ...changes })).toThrow(message);
  });
});
