import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { follow, looksOfCycle, usualStory, type Story } from '../../../support/dunning-story';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../support/facts/subscription';

const policy = DEFAULT_DUNNING_POLICY;
const [first, second, third] = usualStory(policy, 'x').tries.map((one) => one.atMs);

/** The notices, with the days since the first failure. */
function toldIn(story: Story): string[] {
  return follow(story).told.map(({ ms, notice }) => {
    const days = (ms - (story.tries[0]?.atMs ?? 0)) / DAY_MS;
    return `${notice.kind} ${days.toFixed(2)}`;
  });
}

describe('a cycle of eight tries', () => {
  it.each<[string, Story, readonly string[]]>([
    [
      'that all fail softly',
      usualStory(policy, 'insufficient_funds'),
      ['payment_failed 0.08', 'payment_failed 6.08', 'payment_last_try 11.96', 'subscription_ended 13.04'],
    ],
    [
      'of which one is made, on a hard decline',
      usualStory(policy, 'lost_card'),
      ['card_needed 0.08', 'card_needed 11.96', 'subscription_ended 13.04'],
    ],
    [
      'after a trial',
      usualStory(policy, 'insufficient_funds', { isTrial: true, outcome: 'unpaid' }),
      ['trial_payment_failed 0.08', 'trial_payment_failed 6.08', 'payment_last_try 11.96', 'subscription_ended 13.04'],
    ],
    [
      'that the second one heals',
      usualStory(policy, 'insufficient_funds', { paidMs: second ?? 0, heardMs: [first ?? 0, second ?? 0] }),
      ['payment_failed 0.08', 'payment_recovered 1.00'],
    ],
    [
      'healed before anybody was told',
      usualStory(policy, 'processing_error', {
        paidMs: (first ?? 0) + HOUR_MS,
        heardMs: [first ?? 0, (first ?? 0) + HOUR_MS],
      }),
      [],
    ],
    [
      'that the provider leaves past due',
      usualStory({ ...policy, providerOutcome: 'past_due' }, 'insufficient_funds', { outcome: 'past_due' }),
      ['payment_failed 0.08', 'payment_failed 6.08', 'payment_last_try 11.96', 'subscription_ended 13.29'],
    ],
  ])('%s', (_name, story, told) => {
    expect(toldIn(story)).toEqual(told);
  });

  it('without events ends in the same, a little later', () => {
    const unheard = usualStory(policy, 'insufficient_funds', { heardMs: [] });
    expect(toldIn(unheard)).toEqual([
      'payment_failed 0.09',
      'payment_failed 6.09',
      'payment_last_try 11.96',
      'subscription_ended 13.04',
    ]);
    const healed = usualStory(policy, 'insufficient_funds', { heardMs: [], paidMs: third ?? 0 });
    expect(toldIn(healed)).toEqual(['payment_failed 0.09', 'payment_recovered 6.09']);
  });

  // 7 events for the hint about the failure, 6 for each wake: 40 are the limit of a cycle.
  it.each(['insufficient_funds', 'lost_card'])('costs at most five looks: %s', (declineCode) => {
    for (const heardMs of [[], [first ?? 0]]) {
      const story = usualStory(policy, declineCode, { heardMs });
      expect(looksOfCycle(story, follow(story)).length).toBeLessThanOrEqual(5);
    }
  });

  it('says nothing at night, wherever the customer lives', () => {
    for (const timeZone of ['Pacific/Auckland', 'America/Los_Angeles', 'Asia/Kolkata', 'Europe/Berlin']) {
      const story = usualStory(policy, 'insufficient_funds', { timeZone });
      const told = follow(story).told;
      expect(told.length).toBeGreaterThanOrEqual(3);
      for (const { ms } of told) {
        const time = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' }).format(ms);
        expect(time >= '08:00' && time < '21:00').toBe(true);
      }
    }
  });

  it('works with a schedule of minutes, too', () => {
    const minutes: typeof policy = {
      ...policy,
      graceMs: MINUTE_MS / 6,
      spacingMs: 6 * MINUTE_MS,
      retrySpanMs: 14 * MINUTE_MS,
      lastNoticeMs: 2 * MINUTE_MS,
      planningMs: MINUTE_MS / 2,
      settlingMs: MINUTE_MS / 20,
      finalizationMs: 0,
      quietHours: { from: '00:00', to: '00:00' },
    };
    const usual = usualStory(minutes, 'insufficient_funds');
    const tries = usual.tries.map((one) => ({ ...one, atMs: usual.madeMs + (one.atMs - (first ?? 0)) / 1_440 }));
    const story = { ...usual, tries, heardMs: [usual.madeMs], plannedAfterMs: 1_000 };
    expect(follow(story).told.map((one) => one.notice.kind)).toEqual([
      'payment_failed',
      'payment_failed',
      'payment_last_try',
      'subscription_ended',
    ]);
  });
});
