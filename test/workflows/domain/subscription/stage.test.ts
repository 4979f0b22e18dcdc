import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { collectedInvoice, isExhausted, subscriptionFacts } from '../../../../workflows/domain/subscription/facts';
import { isEntitled, isOver, standingOf } from '../../../../workflows/domain/subscription/stage';
import type { SubscriptionSnapshot } from '../../../../workflows/domain/subscription/snapshot';
import {
  at,
  DAY_MS,
  FIRST_TRY_MS,
  HOUR_MS,
  INVOICE_MADE_MS,
  invoiceSnapshot,
  snapshot,
} from '../../../support/facts/subscription';
import { check, fc } from '../../../support/property';

const NOW_MS = FIRST_TRY_MS + HOUR_MS;
const TRIAL_ENDED = at(INVOICE_MADE_MS);
const TRIAL_TO_COME = at(NOW_MS + 5 * DAY_MS);

/** What a trial's start leaves behind: an invoice of nothing, paid at once. */
const nothing = invoiceSnapshot({
  invoiceId: 'in_0',
  status: 'paid',
  billingReason: 'subscription_create',
  amountDue: 0,
  attemptCount: 0,
  createdAt: at(INVOICE_MADE_MS - 14 * DAY_MS),
});
const refused = invoiceSnapshot();
const draft = invoiceSnapshot({ status: 'draft', attemptCount: 0 });
const paid = invoiceSnapshot({ status: 'paid', amountPaid: 1_900 });
const free = invoiceSnapshot({ status: 'paid', amountDue: 0, attemptCount: 0 });
const setupFee = { ...nothing, amountDue: 500, amountPaid: 500 };

type Row = readonly [string, Partial<SubscriptionSnapshot>, string, string, boolean];
const neverPaid = { everPaid: false };
const ROWS: readonly Row[] = [
  ['never on a trial, paid', { providerStatus: 'active', invoices: [paid] }, 'active', 'never', true],
  [
    'in trial',
    { providerStatus: 'trialing', trialEndsAt: TRIAL_TO_COME, invoices: [nothing], ...neverPaid },
    'trialing',
    'running',
    true,
  ],
  [
    'in trial by the provider, over by our clock',
    { providerStatus: 'trialing', trialEndsAt: TRIAL_ENDED, invoices: [nothing], ...neverPaid },
    'trialing',
    'running',
    true,
  ],
  [
    'trial ended, the invoice not tried yet',
    { providerStatus: 'active', trialEndsAt: TRIAL_ENDED, invoices: [draft, nothing], ...neverPaid },
    'active',
    'converting',
    true,
  ],
  [
    'trial ended, no invoice seen yet',
    { providerStatus: 'active', trialEndsAt: TRIAL_ENDED, invoices: [nothing], ...neverPaid },
    'active',
    'converting',
    true,
  ],
  [
    'trial ended and paid',
    { providerStatus: 'active', trialEndsAt: TRIAL_ENDED, invoices: [paid, nothing] },
    'active',
    'converted',
    true,
  ],
  [
    'trial ended, first period free',
    { providerStatus: 'active', trialEndsAt: TRIAL_ENDED, invoices: [free, nothing], ...neverPaid },
    'active',
    'converted',
    true,
  ],
  [
    'trial cut short, its invoice some seconds older',
    {
      providerStatus: 'active',
      trialEndsAt: TRIAL_ENDED,
      invoices: [{ ...paid, createdAt: at(INVOICE_MADE_MS - 5_000) }, nothing],
    },
    'active',
    'converted',
    true,
  ],
  [
    'first payment after the trial failed',
    { providerStatus: 'past_due', trialEndsAt: TRIAL_ENDED, invoices: [refused, nothing], ...neverPaid },
    'trial_payment_failed',
    'conversion_failed',
    false,
  ],
  [
    'the same with a setup fee paid at the start',
    { providerStatus: 'past_due', trialEndsAt: TRIAL_ENDED, invoices: [refused, setupFee] },
    'trial_payment_failed',
    'conversion_failed',
    false,
  ],
  [
    'a renewal long after the trial failed',
    { providerStatus: 'past_due', trialEndsAt: at(INVOICE_MADE_MS - 90 * DAY_MS), invoices: [refused] },
    'past_due',
    'converted',
    true,
  ],
  [
    'past due beside a running trial',
    { providerStatus: 'past_due', trialEndsAt: TRIAL_TO_COME, invoices: [refused, nothing], ...neverPaid },
    'past_due',
    'running',
    true,
  ],
  ['past due and nothing ever paid, no trial', { providerStatus: 'past_due', ...neverPaid }, 'past_due', 'never', true],
  [
    'past due without any invoice',
    { providerStatus: 'past_due', invoices: [], ...neverPaid },
    'past_due',
    'never',
    true,
  ],
  [
    'unpaid after a trial that never paid',
    { providerStatus: 'unpaid', trialEndsAt: TRIAL_ENDED, invoices: [refused, nothing], ...neverPaid },
    'unpaid',
    'conversion_failed',
    false,
  ],
  ['unpaid after years', { providerStatus: 'unpaid' }, 'unpaid', 'never', false],
  [
    'paused at the end of a trial',
    { providerStatus: 'paused', trialEndsAt: TRIAL_ENDED, invoices: [nothing], ...neverPaid },
    'paused',
    'ended_unconverted',
    false,
  ],
  ['paused by hand', { providerStatus: 'paused', invoices: [paid] }, 'paused', 'never', false],
  [
    'collection paused',
    { providerStatus: 'active', collectionPaused: true, invoices: [paid] },
    'active',
    'never',
    true,
  ],
  [
    'canceled during the trial',
    { providerStatus: 'canceled', trialEndsAt: TRIAL_TO_COME, endedAt: at(NOW_MS), invoices: [nothing], ...neverPaid },
    'canceled',
    'ended_unconverted',
    false,
  ],
  [
    'canceled after the trial, never charged',
    { providerStatus: 'canceled', trialEndsAt: TRIAL_ENDED, invoices: [draft, nothing], ...neverPaid },
    'canceled',
    'ended_unconverted',
    false,
  ],
  [
    'canceled by dunning after the trial',
    { providerStatus: 'canceled', trialEndsAt: TRIAL_ENDED, invoices: [refused, nothing], ...neverPaid },
    'canceled',
    'conversion_failed',
    false,
  ],
  ['incomplete', { providerStatus: 'incomplete', ...neverPaid }, 'incomplete', 'never', false],
  [
    'incomplete beside a trial',
    { providerStatus: 'incomplete', trialEndsAt: TRIAL_TO_COME, ...neverPaid },
    'incomplete',
    'running',
    false,
  ],
  [
    'incomplete and expired',
    { providerStatus: 'incomplete_expired', ...neverPaid },
    'incomplete_expired',
    'never',
    false,
  ],
  ['an unknown word, paid', { providerStatus: 'dormant', invoices: [paid] }, 'active', 'never', true],
  ['an unknown word, failing', { providerStatus: 'dormant' }, 'past_due', 'never', true],
  [
    'an unknown word, in a trial',
    { providerStatus: 'dormant', trialEndsAt: TRIAL_TO_COME, invoices: [nothing], ...neverPaid },
    'trialing',
    'running',
    true,
  ],
  ['an unknown word, ended', { providerStatus: 'dormant', endedAt: at(NOW_MS) }, 'canceled', 'never', false],
];

describe('the stage of a subscription', () => {
  it.each(ROWS)('%s', (_name, changes, stage, trial, entitled) => {
    const facts = subscriptionFacts(snapshot(changes), { now: at(NOW_MS), policy: DEFAULT_DUNNING_POLICY });
    expect(facts).toMatchObject({ stage, trial, entitled });
  });

  it('depends on the objects alone: not on the order in which invoices come', async () => {
    const someInvoices = fc.shuffledSubarray([nothing, refused, draft, paid, free, setupFee]);
    await check(
      'standing by objects alone',
      fc.property(fc.constantFrom(...ROWS), someInvoices, ([, changes], invoices) => {
        const one = snapshot({ ...changes, invoices });
        const other = snapshot({ ...changes, invoices: [...invoices].reverse() });
        expect(standingOf(one, NOW_MS)).toEqual(standingOf(other, NOW_MS));
      }),
    );
  });

  it('holds what the tables of Postgres hold it to', async () => {
    const status = fc.constantFrom(
      'trialing',
      'past_due',
      'active',
      'unpaid',
      'canceled',
      'paused',
      'incomplete',
      'new',
    );
    const trialEnd = fc.option(fc.integer({ min: -40, max: 40 }), { nil: undefined });
    await check(
      'stage and trial fit each other',
      fc.property(status, trialEnd, fc.boolean(), (providerStatus, days, everPaid) => {
        const trialEndsAt = days === undefined ? {} : { trialEndsAt: at(NOW_MS + days * DAY_MS) };
        const { stage, trial } = standingOf(snapshot({ providerStatus, everPaid, ...trialEndsAt }), NOW_MS);
        if (stage === 'trialing') expect(trial).toBe('running');
        if (stage === 'trial_payment_failed') expect(trial).toBe('conversion_failed');
        if (isOver(stage)) expect(isEntitled(stage, false)).toBe(false);
      }),
    );
  });

  it('entitles while a renewal is collected, and no longer than that', () => {
    expect([isEntitled('past_due', false), isEntitled('past_due', true)]).toEqual([true, false]);
    expect(isEntitled('trial_payment_failed', false)).toBe(false);
  });

  it('is over only in a final stage', () => {
    const stages = ['trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled', 'incomplete_expired'] as const;
    expect(stages.filter(isOver)).toEqual(['canceled', 'incomplete_expired']);
  });
});

describe('the invoice that is collected', () => {
  const newer = invoiceSnapshot({ invoiceId: 'in_2', createdAt: at(INVOICE_MADE_MS + DAY_MS) });
  const { nextAttemptAt: _, ...givenUp } = newer;
  const nothingYet = { ...refused, status: 'draft' as const, attemptCount: 0 };
  it.each([
    ['the one tried next, before a newer one that was given up', [givenUp, refused], 'in_1'],
    ['the newest one tried', [newer, refused], 'in_2'],
    ['a failing one before a newer draft', [{ ...newer, status: 'draft' as const, attemptCount: 0 }, refused], 'in_1'],
    ['the newest, where all are drafts', [{ ...newer, status: 'draft' as const }, nothingYet], 'in_2'],
    ['one that was paid before a newer draft', [{ ...newer, status: 'draft' as const }, paid], 'in_1'],
    ['the newest, where nothing is open', [{ ...paid, invoiceId: 'in_3' }, nothing], 'in_3'],
    ['none', [], undefined],
  ])('is %s', (_name, invoices, invoiceId) => {
    expect(collectedInvoice(invoices)?.invoiceId).toBe(invoiceId);
  });

  const { nextAttemptAt: _planned, ...unplanned } = { ...refused, declineClass: 'soft' as const };
  const counted = { ...unplanned, declineClass: 'hard' as const };
  it.each([
    ['a next try is planned', { ...unplanned, nextAttemptAt: at(FIRST_TRY_MS) }, 30 * DAY_MS, false],
    ['none is planned, an hour after the failure', unplanned, HOUR_MS, false],
    ['none is planned, after there was time to', unplanned, 6 * HOUR_MS, true],
    ['none is planned, and tries are only counted', counted, 6 * HOUR_MS, false],
    ['the same with a full count', { ...counted, attemptCount: 8 }, 6 * HOUR_MS, true],
    ['the same at the end of the span', counted, 14 * DAY_MS + 5 * HOUR_MS, true],
    ['it was never tried', { ...unplanned, attemptCount: 0 }, 6 * HOUR_MS, false],
    ['it was paid', { ...unplanned, status: 'paid' as const }, 6 * HOUR_MS, false],
    ['it was written off', { ...unplanned, status: 'uncollectible' as const }, 0, true],
  ])('where %s', (_name, invoice, afterMs, exhausted) => {
    expect(isExhausted(invoice, FIRST_TRY_MS + afterMs, DEFAULT_DUNNING_POLICY, true)).toBe(exhausted);
  });

  it('is not given up where there is nothing to charge and the count goes on', () => {
    expect(isExhausted(unplanned, FIRST_TRY_MS + 6 * HOUR_MS, DEFAULT_DUNNING_POLICY, false)).toBe(false);
  });
});

describe('facts', () => {
  const context = { now: at(NOW_MS), policy: DEFAULT_DUNNING_POLICY };
  it('keep the customer to a time zone that exists', () => {
    expect(subscriptionFacts(snapshot({ timeZone: 'Europe/Berlin' }), context).timeZone).toBe('Europe/Berlin');
    expect(subscriptionFacts(snapshot({ timeZone: 'Mars/Olympus' }), context).timeZone).toBe('UTC');
  });

  it('take an end on a date before the next charge for one at the period', () => {
    const cancelAt = '2026-03-31T00:00:00.000Z';
    expect(subscriptionFacts(snapshot({ cancelAt }), context).cancelAtPeriodEnd).toBe(true);
    expect(subscriptionFacts(snapshot({ cancelAt: '2026-05-01T00:00:00.000Z' }), context).cancelAtPeriodEnd).toBe(
      false,
    );
  });

  it('judge the refusal, and of a paid invoice none', () => {
    const judged = (one: Partial<typeof refused>) =>
      subscriptionFacts(snapshot({ invoices: [invoiceSnapshot(one)] }), context).invoice;
    expect(judged({ declineCode: 'lost_card', networkDeclineCode: '41' })).toMatchObject({ declineClass: 'hard' });
    expect(judged({ networkDeclineCode: '41' })).not.toHaveProperty('networkDeclineCode');
    expect(judged({ status: 'paid' })).not.toHaveProperty('declineClass');
  });
});
