import { isDecidable, isDisputeOver, isUndecided, openDispute } from '../../../../workflows/domain/dispute/dispute';
import type { DisputeDecision, DisputeStage } from '../../../../workflows/domain/dispute/dispute';
import { isPending } from '../../../../workflows/domain/dispute/plan';
import { disputeFacts } from '../../../support/facts/dispute';

const decided = (changes: Partial<DisputeDecision> = {}): DisputeDecision => ({
  ...{ action: 'submit', actor: 'op-1', at: '2026-01-06T00:00:00.000Z', attempt: 1 },
  ...changes,
});
const refused = decided({ refused: 'too_late' });
const left = decided({ action: 'leave' });

describe('a dispute', () => {
  it.each<[DisputeStage, number, boolean]>([
    ['evidence_due', 0, false],
    ['under_review', 0, false],
    ['won', 0, true],
    ['won', 1, false],
    ['warning_closed', 0, true],
    ['warning_closed', 1, false],
    ['lost', 1, true],
    ['prevented', 1, true],
  ])('that is %s with %d withdrawn is over: %s', (stage, withdrawn, isOver) => {
    expect(isDisputeOver({ stage, withdrawn })).toBe(isOver);
  });

  it('keeps its order from shipping while any of them is open', () => {
    const [won, open] = [disputeFacts({ disputeId: 'du_0', stage: 'won' }), disputeFacts({ stage: 'under_review' })];
    expect(openDispute({ disputes: [won, open] })?.disputeId).toBe('du_1');
    expect(openDispute({ disputes: [won] })).toBeUndefined();
    expect(openDispute({})).toBeUndefined();
  });
});

describe('the answer to a dispute', () => {
  const due = disputeFacts();
  const { dueBy: _none, ...unanswerable } = due;
  it.each<[string, Parameters<typeof isDecidable>[0], { decidable: boolean; undecided: boolean; pending: boolean }]>([
    ['is asked of a person', due, { decidable: true, undecided: true, pending: false }],
    [
      'is carried out once it is decided',
      { ...due, decision: decided() },
      { decidable: false, undecided: false, pending: true },
    ],
    [
      'is carried out where the dispute is accepted',
      { ...due, decision: decided({ action: 'accept' }) },
      { decidable: false, undecided: false, pending: true },
    ],
    ['is done', { ...due, decision: decided({ doneAt: 't' }) }, { decidable: false, undecided: false, pending: false }],
    [
      'was refused: it is asked again',
      { ...due, decision: refused },
      { decidable: true, undecided: true, pending: false },
    ],
    ['was left: a person still may', { ...due, decision: left }, { decidable: true, undecided: false, pending: false }],
    ['was sent', { ...due, submittedAt: 't' }, { decidable: false, undecided: false, pending: false }],
    ['is not taken by the bank', unanswerable, { decidable: false, undecided: false, pending: false }],
    [
      'is with the bank',
      disputeFacts({ stage: 'under_review' }),
      { decidable: false, undecided: false, pending: false },
    ],
    [
      'is with the bank, as decided',
      { ...disputeFacts({ stage: 'under_review' }), decision: decided() },
      { decidable: false, undecided: false, pending: false },
    ],
  ])('%s', (_name, dispute, { decidable, undecided, pending }) => {
    expect([isDecidable(dispute), isUndecided(dispute), isPending(dispute)]).toEqual([decidable, undecided, pending]);
  });
});
