import { isGivenBack } from '../../../../workflows/domain/order/order';
import {
  canPartTransition,
  isGivenUpByPerson,
  isSameRequest,
  isInProgress,
  refundable,
  refundStateOf,
  REFUND_PART_TRANSITIONS,
  unresolvedAmount,
  type RefundFacts,
  type RefundPart,
  type RefundPartStatus,
  type RefundState,
} from '../../../../workflows/domain/refund/refund';
import { isRefundOver, refundWaiting } from '../../../../workflows/domain/refund/look';
import { orderFacts } from '../../../support/facts/facts';
import { refundFacts, refundPart } from '../../../support/facts/refund';

describe('the parts of a refund', () => {
  const statuses = Object.keys(REFUND_PART_TRANSITIONS) as RefundPartStatus[];

  it('all have a way to an end, and nothing leads back from one', () => {
    const reachable = (from: RefundPartStatus, seen = new Set<RefundPartStatus>()): Set<RefundPartStatus> => {
      for (const next of REFUND_PART_TRANSITIONS[from]) if (!seen.has(next)) reachable(next, seen.add(next));
      return seen;
    };
    for (const status of statuses.filter((one) => one !== 'begun')) expect(reachable('begun').has(status)).toBe(true);
    expect(statuses.filter((one) => REFUND_PART_TRANSITIONS[one].length === 0)).toEqual(['failed', 'canceled']);
    expect(REFUND_PART_TRANSITIONS.succeeded).toEqual(['failed']);
  });

  it.each<[RefundState, (RefundPartStatus | 'resolved')[]]>([
    ['pending', ['begun']],
    ['pending', ['succeeded', 'pending', 'failed']],
    ['requires_action', ['pending', 'requires_action']],
    ['succeeded', ['succeeded', 'succeeded']],
    ['failed', ['succeeded', 'failed']],
    ['failed', ['succeeded', 'canceled']],
    ['canceled', ['canceled', 'canceled']],
    ['resolved', ['resolved', 'succeeded']],
    ['failed', ['resolved', 'failed']],
  ])('make a refund %s where they are %j', (state, words) => {
    const parts = words.map((word, index): RefundPart => {
      const part = refundPart({ part: index + 1, status: word === 'resolved' ? 'failed' : word });
      return word === 'resolved' ? { ...part, resolvedAt: '2026-01-11T00:00:00.000Z' } : part;
    });
    expect(refundStateOf({ parts })).toBe(state);
  });

  it('stay as they are or go on, and never back', () => {
    for (const status of statuses) expect(canPartTransition(status, status)).toBe(true);
    expect(canPartTransition('succeeded', 'failed')).toBe(true);
    expect(canPartTransition('succeeded', 'pending')).toBe(false);
    expect(canPartTransition('failed', 'succeeded')).toBe(false);
  });

  it('without any, a refund waits, was given up, or was resolved', () => {
    const resolution = { action: 'dismiss', actor: 'op-1', at: '2026-01-11T00:00:00.000Z' } as const;
    expect(refundStateOf({ parts: [] })).toBe('waiting');
    expect(refundStateOf({ parts: [], endedReason: 'disputed' })).toBe('canceled');
    expect(refundStateOf({ parts: [], endedReason: 'disputed', resolution })).toBe('resolved');
  });
});

describe('a refund that did not go back', () => {
  const settled = { resolvedAt: '2026-01-11T00:00:00.000Z' };
  const failed = refundPart({ status: 'failed' });
  const byPerson = refundPart({ status: 'canceled', failureReason: 'canceled_by_person' });

  it.each<[string, Partial<RefundFacts>, number]>([
    [
      'leaves what its parts did not give',
      { state: 'failed', parts: [failed, refundPart({ status: 'canceled', amount: 5 })] },
      1005,
    ],
    ['not what is on its way', { parts: [refundPart(), refundPart({ status: 'succeeded' })] }, 0],
    ['not what a person has settled', { state: 'resolved', parts: [{ ...failed, ...settled }] }, 0],
    ['leaves all of it where no money moved', { state: 'canceled', parts: [] }, 1000],
    ['leaves nothing while it waits', { state: 'waiting', parts: [] }, 0],
    ['leaves nothing once it is settled', { state: 'resolved', parts: [] }, 0],
  ])('%s', (_name, changes, amount) => {
    expect(unresolvedAmount(refundFacts(changes))).toBe(amount);
  });

  it.each<[string, Partial<RefundFacts>, boolean]>([
    ['was given up by a person', { parts: [byPerson] }, true],
    ['was given up by a person before any money moved', { parts: [], endedReason: 'canceled_by_person' }, true],
    ['was given up for another reason', { parts: [], endedReason: 'disputed' }, false],
    ['failed in another part', { parts: [byPerson, failed] }, false],
    ['went back in another part', { parts: [byPerson, refundPart({ status: 'succeeded' })] }, true],
    ['failed in a part that is settled', { parts: [byPerson, { ...failed, ...settled }] }, true],
    [
      'took goods off the order',
      {
        parts: [byPerson],
        lines: [
          { sku: 'A', quantity: 1 },
          { sku: 'B', quantity: 1, cancelled: 1 },
        ],
      },
      false,
    ],
    ['was of goods that had shipped', { parts: [byPerson], lines: [{ sku: 'A', quantity: 1 }] }, true],
  ])('concerns nobody else if it %s: %j', (_name, changes, isGivenUp) => {
    expect(isGivenUpByPerson(refundFacts(changes))).toBe(isGivenUp);
  });

  it('has an outcome once it is neither awaited nor on its way', () => {
    const states: RefundState[] = [
      'waiting',
      'pending',
      'requires_action',
      'succeeded',
      'failed',
      'canceled',
      'resolved',
    ];
    expect(states.filter((state) => isInProgress({ state }))).toEqual(['waiting', 'pending', 'requires_action']);
  });
});

describe('whom a refund waits for', () => {
  const watched = { watchUntil: '2026-03-11T00:00:00.000Z' };
  const succeeded = { state: 'succeeded', parts: [refundPart({ status: 'succeeded' })] } as const;
  const failed = (settledAt?: string) =>
    refundPart({ status: 'failed', ...(settledAt !== undefined && { settledAt }) });
  it.each<[string, Partial<RefundFacts>, [string, string] | undefined]>([
    ['the provider, for a capture', { state: 'waiting', parts: [] }, ['provider', '2026-01-11T00:00:00.000Z']],
    ['the customer, who must act', { state: 'requires_action' }, ['customer', '2026-01-20T00:00:00.000Z']],
    ['the provider, for the money', {}, ['provider', '2026-01-20T00:00:00.000Z']],
    ['the provider, while it may come back', { ...succeeded, ...watched }, ['provider', watched.watchUntil]],
    ['nobody, where it is not watched', succeeded, undefined],
    [
      'nobody, where nothing can come back',
      { state: 'resolved', parts: [{ ...failed(), resolvedAt: 't' }], ...watched },
      undefined,
    ],
    [
      'a person, from the last failure on',
      { state: 'failed', parts: [failed('2026-01-13T00:00:00.000Z'), failed('2026-01-12T00:00:00.000Z')] },
      ['approver', '2026-01-20T00:00:00.000Z'],
    ],
    ['a person, from the request on', { state: 'failed', parts: [failed()] }, ['approver', '2026-01-17T00:00:00.000Z']],
    ['a person, for what was given up', { state: 'canceled', parts: [] }, ['approver', '2026-01-17T00:00:00.000Z']],
  ])('%s', (_name, changes, expected) => {
    const waiting = refundWaiting(refundFacts(changes));
    expect(waiting && [waiting.on, waiting.until]).toEqual(expected);
  });
});

describe('a refund is over', () => {
  const start = Date.parse('2026-01-10T00:00:00.000Z');
  const watchUntil = '2026-03-11T00:00:00.000Z';
  const back = refundPart({ status: 'succeeded' });
  const settled = refundPart({ status: 'failed', resolvedAt: '2026-01-11T00:00:00.000Z' });
  it.each<[string, Partial<RefundFacts>, boolean]>([
    ['not while it is on its way', {}, false],
    ['not while it waits for a capture', { state: 'waiting', parts: [] }, false],
    ['not while a person must choose', { state: 'failed', parts: [refundPart({ status: 'failed' })] }, false],
    ['not while it is watched', { state: 'succeeded', parts: [back], watchUntil }, false],
    ['once it went back and is not watched', { state: 'succeeded', parts: [back] }, true],
    ['once nothing of it can come back', { state: 'resolved', parts: [settled], watchUntil }, true],
    ['not while one of its parts can', { state: 'resolved', parts: [settled, back], watchUntil }, false],
  ])('%s', (_name, changes, isOver) => {
    expect(isRefundOver(refundFacts(changes), start)).toBe(isOver);
  });
});

describe('what is left of a payment', () => {
  it('is what was captured, less all that went back in any way, never below zero', () => {
    expect(refundable({ captured: 100, refundPending: 10, refunded: 20, refundedOutside: 5, disputed: 15 })).toBe(50);
    expect(refundable({ captured: 100, refundPending: 0, refunded: 60, disputed: 100 })).toBe(0);
  });

  it('is nothing once everything is refunded, and that stops what has not shipped', () => {
    const amounts = { authorized: 100, captured: 100, released: 0, refundPending: 40, refunded: 60 };
    expect(isGivenBack(orderFacts({ amounts }))).toBe(true);
    expect(isGivenBack(orderFacts({ amounts: { ...amounts, refunded: 59 } }))).toBe(false);
    expect(isGivenBack(orderFacts())).toBe(false);
  });
});

test('a repeated request for a refund is distinguished from another one', () => {
  const byLines = refundFacts({ lines: [{ sku: 'MUG', quantity: 2, cancelled: 1 }] });
  expect(isSameRequest(byLines, { orderId: 'ord_1', lines: [{ sku: 'MUG', quantity: 2 }] })).toBe(true);
  expect(isSameRequest(byLines, { orderId: 'ord_1', lines: [{ sku: 'MUG', quantity: 1 }] })).toBe(false);
  expect(isSameRequest(byLines, { orderId: 'ord_1', amount: 1000 })).toBe(false);
  expect(isSameRequest(refundFacts(), { orderId: 'ord_1', amount: 1000 })).toBe(true);
  expect(isSameRequest(refundFacts(), { orderId: 'ord_2', amount: 1000 })).toBe(false);
  expect(isSameRequest(refundFacts(), { orderId: 'ord_1', amount: 999 })).toBe(false);
  // By lines is another request than by amount, also where neither names a line.
  expect(isSameRequest(refundFacts(), { orderId: 'ord_1' })).toBe(false);
  const two = [
    { sku: 'MUG', quantity: 2 },
    { sku: 'TEE', quantity: 1 },
  ];
  expect(isSameRequest(refundFacts({ lines: two }), { orderId: 'ord_1', lines: [...two].reverse() })).toBe(true);
  expect(isSameRequest(refundFacts({ lines: two }), { orderId: 'ord_1', lines: two.slice(1) })).toBe(false);
  // An SKU may read like two lines.
  const one = [{ sku: 'MUG=2,TEE', quantity: 1 }];
  expect(isSameRequest(refundFacts({ lines: two }), { orderId: 'ord_1', lines: one })).toBe(false);
});
