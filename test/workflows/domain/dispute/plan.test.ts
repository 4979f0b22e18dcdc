import {
  DEFAULT_DISPUTE_POLICY,
  disputePlan,
  disputeWaiting,
  dueWarnings,
  nextDisputeDue,
} from '../../../../workflows/domain/dispute/plan';
import type { DisputePolicy } from '../../../../workflows/domain/dispute/plan';
import {
  disputeKind,
  disputeStage,
  isDecidable,
  isOpen,
  isDisputeOver,
  isUndecided,
} from '../../../../workflows/domain/dispute/dispute';
import type { DisputeRecord } from '../../../../workflows/domain/dispute/dispute';
import { check, fc } from '../../../support/property';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OPENED = '2026-01-01T00:00:00.000Z';
const OPENED_MS = Date.parse(OPENED);
const at = (ms: number): string => new Date(OPENED_MS + ms).toISOString();
const idle = { notBeforeMs: 0, collectAtMs: 0, pollAtMs: Infinity, lookedAtMs: OPENED_MS };

function disputed(changes: Partial<DisputeRecord> = {}): DisputeRecord {
  return {
    disputeId: 'du_1',
    orderId: 'ord_1',
    paymentIntentId: 'pi_1',
    stage: 'evidence_due',
    providerStatus: 'needs_response',
    isInquiry: false,
    amount: 7_970,
    currency: 'eur',
    reason: 'fraudulent',
    openedAt: OPENED,
    dueBy: at(10 * DAY_MS),
    withdrawn: 7_970,
    round: 1,
    roundBeganAt: OPENED,
    warnedMs: [],
    evidenceCollectedAt: OPENED,
    feeAmount: 2_000,
    feeCurrency: 'eur',
    orderState: 'allocated',
    linesToShip: [],
    openRefunds: [],
    exceptions: [],
    ...changes,
  };
}

const closed = (stage: 'won' | 'lost', withdrawn: number): DisputeRecord =>
  disputed({ stage, providerStatus: stage, withdrawn, closedAt: at(DAY_MS) });
const decision = { action: 'submit', actor: 'op-1', at: at(HOUR_MS), attempt: 1 } as const;
const refused = { ...decision, refused: 'x' };
const raised = { kind: 'dispute_unsettled', message: 'm', owner: 'payments', raisedAt: OPENED } as const;

describe('the plan of a round', () => {
  const warned = (dueInMs: number): [number, number, boolean][] =>
    disputePlan({ roundBeganAt: OPENED, dueBy: at(dueInMs) }, DEFAULT_DISPUTE_POLICY).warnings.map((one) => [
      one.beforeMs / HOUR_MS,
      (Date.parse(one.at) - OPENED_MS) / HOUR_MS,
      one.isSilent,
    ]);
  const acts = (dueInMs: number): number =>
    Date.parse(disputePlan({ roundBeganAt: OPENED, dueBy: at(dueInMs) }, DEFAULT_DISPUTE_POLICY).actAt) - OPENED_MS;

  it.each([
    [
      'ten days',
      240,
      [
        [72, 168, false],
        [24, 216, false],
      ],
      238,
    ],
    [
      'two days: the first warning has passed',
      48,
      [
        [72, 0, true],
        [24, 24, false],
      ],
      46,
    ],
    [
      'four hours: acted on at three quarters',
      4,
      [
        [72, 0, true],
        [24, 0, true],
      ],
      3,
    ],
  ])('for %s', (_name, hours, warnings, actsAtHour) => {
    expect(warned(hours * HOUR_MS)).toEqual(warnings);
    expect(acts(hours * HOUR_MS)).toBe(actsAtHour * HOUR_MS);
  });

  it('acts at three quarters of a minute, too', () => expect(acts(60_000)).toBe(45_000));

  it('warns and acts within the round, in order, whatever it is and whatever the policy', async () => {
    const ms = fc.integer({ min: 0, max: 40 * DAY_MS });
    await check(
      'dispute plan in order',
      fc.property(ms, fc.array(ms, { maxLength: 4 }), ms, (lifeMs, warnMs, submitMarginMs) => {
        const dueBy = at(lifeMs);
        const plan = disputePlan({ roundBeganAt: OPENED, dueBy }, { warnMs, submitMarginMs });
        const times = plan.warnings.map((one) => one.at);
        expect([...times].sort()).toEqual(times);
        expect([OPENED, ...times].every((time) => time >= OPENED && time <= dueBy)).toBe(true);
        expect(plan.actAt >= OPENED && plan.actAt <= dueBy).toBe(true);
        expect(plan.checkAt > dueBy).toBe(true);
        expect(plan.warnings.every((one) => one.isSilent === (one.at === OPENED))).toBe(true);
      }),
    );
  });
});

describe('what a dispute does next by itself', () => {
  const leave: DisputePolicy = { ...DEFAULT_DISPUTE_POLICY, onDeadline: 'leave' };
  const both = [72 * HOUR_MS, 24 * HOUR_MS];
  const { evidenceCollectedAt: _none, ...uncollected } = disputed();
  const { dueBy: _due, ...unanswerable } = disputed();
  it.each<[string, DisputeRecord, string | undefined, number | undefined, DisputePolicy?, typeof idle?]>([
    ['collects the evidence', uncollected, 'collect', -OPENED_MS],
    ['warns 72 h before the deadline', disputed(), 'warn', 7 * DAY_MS],
    ['warns 24 h before it', disputed({ warnedMs: [72 * HOUR_MS] }), 'warn', 9 * DAY_MS],
    ['decides 2 h before it', disputed({ warnedMs: both }), 'decide', 10 * DAY_MS - 2 * HOUR_MS],
    [
      'looks at the deadline where the policy leaves it',
      disputed({ warnedMs: both }),
      'look',
      10 * DAY_MS + 5_000,
      leave,
    ],
    ['carries a decision out', disputed({ decision }), 'carry_out', -OPENED_MS],
    [
      'decides nothing anew after a refusal',
      disputed({ decision: { ...decision, refused: 'x' }, warnedMs: both }),
      'look',
      10 * DAY_MS + 5_000,
    ],
    [
      'asks whether a bank has closed what was refused and not answered again',
      disputed({ decision: refused, warnedMs: both }),
      'overdue',
      24 * DAY_MS,
      DEFAULT_DISPUTE_POLICY,
      { ...idle, lookedAtMs: OPENED_MS + 11 * DAY_MS, pollAtMs: OPENED_MS + 30 * DAY_MS },
    ],
    [
      'asks after a bank that takes too long',
      disputed({ stage: 'under_review', submittedAt: OPENED }),
      'overdue',
      120 * DAY_MS,
    ],
    ['asks for money that was won and does not come', closed('won', 7_970), 'overdue', 15 * DAY_MS],
    ['asks once', disputed({ stage: 'under_review', exceptions: [raised] }), 'look', Infinity],
    ['has nothing to do where the money is back', closed('won', 0), undefined, undefined],
    ['has nothing to do where it is lost', closed('lost', 7_970), undefined, undefined],
    ['waits where no answer is taken', unanswerable, 'overdue', 14 * DAY_MS],
  ])('%s', (_name, dispute, kind, afterMs, policy = DEFAULT_DISPUTE_POLICY, context = idle) => {
    const due = nextDisputeDue(dispute, policy, context);
    expect([due?.kind, due && due.atMs - OPENED_MS]).toEqual([kind, afterMs]);
  });

  it('decides although the collecting fails again and again', () => {
    const nowMs = OPENED_MS + 10 * DAY_MS;
    const failing = { ...idle, collectAtMs: nowMs + HOUR_MS, lookedAtMs: nowMs + DAY_MS };
    const { evidenceCollectedAt: _gone, ...dispute } = disputed({ warnedMs: both });
    expect(nextDisputeDue(dispute, DEFAULT_DISPUTE_POLICY, failing)).toMatchObject({ kind: 'decide' });
  });

  it('gives every warning that was missed at once', () => {
    const late = dueWarnings(disputed(), DEFAULT_DISPUTE_POLICY, OPENED_MS + 9.5 * DAY_MS);
    expect(late.map((one) => one.beforeMs)).toEqual(both);
    expect(dueWarnings(disputed({ decision }), DEFAULT_DISPUTE_POLICY, OPENED_MS + 9.5 * DAY_MS)).toEqual([]);
  });
});

describe('whom a dispute waits for', () => {
  it.each([
    ['a person, until the deadline', disputed(), 'approver', 10 * DAY_MS],
    ['the provider, while a decision is carried out', disputed({ decision }), 'provider', 10 * DAY_MS],
    ['a person, where the provider refused the answer', disputed({ decision: refused }), 'approver', 10 * DAY_MS],
    [
      'the bank, where the answer came too late',
      disputed({ decision: { ...refused, at: at(10 * DAY_MS) } }),
      'provider',
      24 * DAY_MS,
    ],
    ['the bank, while it decides', disputed({ stage: 'under_review', submittedAt: OPENED }), 'provider', 120 * DAY_MS],
    ['the provider, for the money that was won', closed('won', 7_970), 'provider', 15 * DAY_MS],
    ['the bank, once it was left', disputed({ decision: { ...decision, action: 'leave' } }), 'provider', 24 * DAY_MS],
    ['nobody any more', closed('won', 0), undefined, undefined],
  ])('%s', (_name, dispute, on, afterMs) => {
    const waiting = disputeWaiting(dispute);
    expect([waiting?.on, waiting && Date.parse(waiting.until) - OPENED_MS]).toEqual([on, afterMs]);
  });

  it('is somebody for every dispute that is open, whatever it is like', async () => {
    const stage = fc.constantFrom('evidence_due', 'under_review', 'won', 'lost', 'warning_closed', 'prevented');
    const decided = fc.option(
      fc.record({
        action: fc.constantFrom('submit', 'accept', 'leave'),
        refused: fc.option(fc.constant('x'), { nil: undefined }),
        doneAt: fc.option(fc.constant(OPENED), { nil: undefined }),
      }),
      { nil: undefined },
    );
    const flags = fc.record({
      stage,
      decided,
      due: fc.boolean(),
      sent: fc.boolean(),
      withdrawn: fc.constantFrom(0, 5),
    });
    await check(
      'an open dispute has a named party',
      fc.property(flags, ({ stage: of, decided: by, due, sent, withdrawn }) => {
        const { dueBy, ...rest } = disputed({ stage: of, withdrawn } as Partial<DisputeRecord>);
        const dispute = {
          ...rest,
          ...(due && { dueBy }),
          ...(sent && { submittedAt: OPENED }),
          ...(by && { decision: { ...decision, ...JSON.parse(JSON.stringify(by)) } }),
        } as DisputeRecord;
        expect(disputeWaiting(dispute) === undefined).toBe(isDisputeOver(dispute));
        if (isOpen(dispute)) expect(nextDisputeDue(dispute, DEFAULT_DISPUTE_POLICY, idle)).toBeDefined();
        if (isUndecided(dispute)) expect(isDecidable(dispute)).toBe(true);
      }),
    );
  });
});

it.each([
  ['needs_response', 'evidence_due', 'dispute'],
  ['warning_needs_response', 'evidence_due', 'inquiry'],
  ['appeal_needs_response', 'evidence_due', 'appeal'],
  ['under_review', 'under_review', 'dispute'],
  ['warning_under_review', 'under_review', 'inquiry'],
  ['appeal_under_review', 'under_review', 'appeal'],
  ['won', 'won', 'dispute'],
  ['lost', 'lost', 'dispute'],
  ['warning_closed', 'warning_closed', 'inquiry'],
  ['prevented', 'prevented', 'dispute'],
  ['arbitration', undefined, 'dispute'],
])('the provider’s %s', (status, stage, kind) => {
  expect([disputeStage(status), disputeKind(status)]).toEqual([stage, kind]);
});
