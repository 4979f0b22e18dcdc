import { DEFAULT_DUNNING_POLICY } from '../../../../workflows/domain/dunning/policy';
import { failureKinds } from '../../../../workflows/domain/dunning/rules';
import { parseNoticeKey } from '../../../../workflows/domain/dunning/keys';
import { planNotices } from '../../../../workflows/domain/dunning/dunning';
import { nextLook } from '../../../../workflows/domain/dunning/look';
import { nextAllowed } from '../../../../workflows/domain/notice/quiet-hours';
import { subscriptionFacts } from '../../../../workflows/domain/subscription/facts';
import { failuresOf, follow, looksOfCycle, providerAt, type Played, type Story } from '../../../support/dunning-story';
import { at, DAY_MS, HOUR_MS, MINUTE_MS } from '../../../support/facts/subscription';
import { check, fc } from '../../../support/property';

const policy = DEFAULT_DUNNING_POLICY;
const RUNS = { numRuns: 200 };

/** Eight tries or fewer, at any distance; paid or not, by a try or by the customer; with or without events. */
const storyOf = (spanMs: number): fc.Arbitrary<Story> =>
  fc
    .record({
      madeMs: fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2026-12-31T00:00:00Z') }),
      gapsMs: fc.array(fc.integer({ min: 20 * MINUTE_MS, max: Math.floor(spanMs / 7) }), {
        minLength: 7,
        maxLength: 7,
      }),
      codes: fc.array(
        fc.constantFrom(
          'insufficient_funds',
          'generic_decline',
          'expired_card',
          'lost_card',
          'authentication_required',
        ),
        {
          minLength: 8,
          maxLength: 8,
        },
      ),
      paidAfterMs: fc.option(fc.integer({ min: MINUTE_MS, max: 16 * DAY_MS }), { nil: undefined }),
      outcome: fc.constantFrom('canceled', 'unpaid', 'past_due' as const),
      heard: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
      lateMs: fc.integer({ min: 0, max: 5 * HOUR_MS }),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'),
      isTrial: fc.boolean(),
    })
    .map(({ madeMs, gapsMs, codes, paidAfterMs, heard, lateMs, ...rest }) => {
      let atMs = madeMs + HOUR_MS;
      const tries = [0, ...gapsMs].map((gapMs, index) => ({ atMs: (atMs += gapMs), declineCode: codes[index] ?? '' }));
      const paysMs = paidAfterMs === undefined ? Infinity : madeMs + HOUR_MS + paidAfterMs;
      // Nobody pays the invoice of a subscription that is canceled.
      const canPay = Number.isFinite(paysMs) && (rest.outcome !== 'canceled' || paysMs <= atMs);
      const paidMs = canPay ? paysMs : undefined;
      const times = [...tries.map((one) => one.atMs), paidMs ?? Infinity].filter((ms) => Number.isFinite(ms));
      const heardMs = times
        .filter((_ms, index) => heard[index])
        .map((ms) => ms + lateMs)
        .sort((a, b) => a - b);
      const plannedAfterMs = MINUTE_MS;
      return {
        madeMs,
        tries,
        heardMs,
        policy,
        plannedAfterMs,
        ...rest,
        ...(paidMs !== undefined && { paidMs }),
      } as Story;
    });

/** Tries as the policy names them, and tries of a provider that is set otherwise. */
const story = fc.oneof(storyOf(13.9 * DAY_MS), storyOf(25 * DAY_MS));
const storyAsSet = storyOf(13.9 * DAY_MS);

const failuresTold = ({ told }: Played): Played['told'] => told.filter((one) => failureKinds.includes(one.notice.kind));
const lastOf = (played: Played): Played['told'] =>
  failuresTold(played).filter((one) => one.notice.noticeKey.includes(':last:'));

async function holds(name: string, rule: (played: Played, one: Story) => void, stories = story): Promise<void> {
  await check(
    name,
    fc.property(stories, (one) => rule(follow(one), one)),
    RUNS,
  );
}

describe('whatever happens to a renewal', () => {
  it('no failed try is announced twice', () =>
    holds('one notice a try', (played, one) => {
      const told = failuresTold(played).filter((each) => !lastOf(played).includes(each));
      const tries = failuresOf(one).map((each) => each.atMs);
      const slots = told.map((each) => tries.filter((ms) => ms <= each.ms).length);
      expect(new Set(slots).size).toBe(slots.length);
      expect(new Set(played.told.map((each) => each.notice.noticeKey)).size).toBe(played.told.length);
    }));

  it('nothing is said of a failure after the money came, nor in its first moments', () =>
    holds('none after recovery, none within the grace', (played, one) => {
      for (const { ms } of failuresTold(played)) {
        expect(ms).toBeLessThan(one.paidMs ?? Infinity);
        const last = failuresOf(one)
          .filter((each) => each.atMs <= ms)
          .at(-1);
        expect(ms - (last?.atMs ?? Infinity)).toBeGreaterThanOrEqual(policy.graceMs);
      }
    }));

  it('a recovery is announced once to those who got a failure notice, and to nobody else', () =>
    holds('recovered', (played, one) => {
      const kinds = played.told.map((each) => each.notice.kind);
      const recovered = kinds.filter((kind) => kind === 'payment_recovered').length;
      const heardBefore = played.told.some((each) => each.ms < (one.paidMs ?? -Infinity));
      expect(recovered).toBe(heardBefore ? 1 : 0);
    }));

  it('no notice is sent in quiet hours', () =>
    holds('quiet hours', (played, one) => {
      const quietHours = { ...policy.quietHours, timeZone: one.timeZone };
      for (const { ms } of played.told) expect(nextAllowed(ms, quietHours)).toBe(ms);
    }));

  it('notices keep their distance, the last one excepted, and nothing follows the last one', () =>
    holds('spacing', (played) => {
      const told = failuresTold(played);
      const last = lastOf(played);
      expect(last.length).toBeLessThanOrEqual(1);
      if (last.length === 1) expect(told.at(-1)).toBe(last[0]);
      const spaced = told.filter((each) => !last.includes(each)).map((each) => each.ms);
      spaced.slice(1).forEach((ms, index) => {
        expect(ms - (spaced[index] ?? 0)).toBeGreaterThanOrEqual(policy.spacingMs);
      });
    }));

  it('a date that is named lies ahead, by the grace at least unless the customer waited for long', () =>
    holds('dates to come', (played, one) => {
      for (const { ms, notice } of failuresTold(played)) {
        const { nextTryAt, lastTryAt, until } = notice.data as Record<string, string | undefined>;
        const named = nextTryAt ?? lastTryAt ?? until;
        if (named === undefined) continue;
        const isLong = ms - one.madeMs >= 2 * policy.spacingMs;
        expect(Date.parse(named) - ms).toBeGreaterThanOrEqual(isLong ? 1 : policy.graceMs);
        expect(notice.expiresAt).toBe(named);
      }
    }));

  it('nothing is promised that will not come: no date of a try where only the customer can mend it', () =>
    holds('no promise', (played, one) => {
      for (const { ms, notice } of failuresTold(played)) {
        const last = failuresOf(one)
          .filter((each) => each.atMs <= ms)
          .at(-1);
        const isSoft = last?.declineCode === 'insufficient_funds' || last?.declineCode === 'generic_decline';
        const promises = 'nextTryAt' in notice.data || 'triesLeft' in notice.data || 'lastTryAt' in notice.data;
        expect(promises).toBe(isSoft);
      }
    }));

  it('an end is announced once, and only if it happened', () =>
    holds(
      'ended',
      (played, one) => {
        const ended = played.told.filter((each) => each.notice.kind === 'subscription_ended');
        const lostMs = one.tries.at(-1)?.atMs ?? 0;
        const isLost = (one.paidMs ?? Infinity) > lostMs;
        expect(ended.length).toBeLessThanOrEqual(isLost ? 1 : 0);
        if (isLost && one.paidMs === undefined) {
          expect(ended.map((each) => each.notice.data)).toMatchObject([{ outcome: one.outcome }]);
        }
      },
      storyAsSet,
    ));

  it('a cycle is looked at a few times, not once a try', () =>
    holds(
      'few looks',
      (played, one) => {
        const slept = looksOfCycle(one, played).filter((each) => each.why !== 'heard');
        expect(slept.length).toBeLessThanOrEqual(8);
      },
      storyAsSet,
    ));
});

describe('the plan', () => {
  const moment = fc.tuple(story, fc.integer({ min: -2 * DAY_MS, max: 20 * DAY_MS }));

  it('is the same for the same facts, and empty of what is due once that was sent', async () => {
    await check(
      'idempotent',
      fc.property(moment, ([one, afterMs]) => {
        const nowMs = one.madeMs + afterMs;
        const facts = subscriptionFacts(providerAt(one, nowMs), { now: at(nowMs), policy });
        const planned = planNotices(facts, nowMs, policy);
        expect(planNotices(facts, nowMs, policy)).toEqual(planned);
        const told = planned.map(({ noticeKey, kind }) => ({ noticeKey, kind, at: at(nowMs) }));
        const again = planNotices({ ...facts, told }, nowMs, policy);
        expect(again.filter((each) => Date.parse(each.dueAt) <= nowMs)).toEqual([]);
        for (const { noticeKey, dueAt, kind } of planned) {
          expect(Date.parse(dueAt)).toBeGreaterThanOrEqual(nowMs);
          expect(parseNoticeKey(noticeKey)).toMatchObject({ kind });
        }
      }),
      RUNS,
    );
  });

  it('looks again later than now, whatever the clocks of the provider and of ourselves show', async () => {
    const skewed = fc.tuple(moment, fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }));
    await check(
      'looks ahead',
      fc.property(skewed, ([[one, afterMs], skewMs]) => {
        const nowMs = one.madeMs + afterMs + skewMs;
        const facts = subscriptionFacts(providerAt(one, one.madeMs + afterMs), { now: at(nowMs), policy });
        const next = nextLook(facts, nowMs, policy);
        if (facts.stage !== 'canceled') expect(next).toBeDefined();
        if (next !== undefined) expect(Date.parse(next.at)).toBeGreaterThan(nowMs);
      }),
      RUNS,
    );
  });
});
