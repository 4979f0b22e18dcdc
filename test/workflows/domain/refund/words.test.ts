import { failedMessage, failureInWords, reasonInWords, waysOut } from '../../../../workflows/domain/refund/words';
import type { RefundPart } from '../../../../workflows/domain/refund/refund';
import { refundFacts, refundPart } from '../../../support/facts/refund';

const failed = (failureReason: string, changes: Partial<RefundPart> = {}): RefundPart =>
  refundPart({ status: 'failed', failureReason, ...changes });
const canceled = refundPart({ status: 'canceled' });
const settled = { resolvedAt: '2026-01-11T00:00:00.000Z' };

describe('why a refund did not go back', () => {
  it.each<[string, RefundPart[], string]>([
    ['is the reason of its part', [failed('declined')], reasonInWords('declined')],
    [
      'is every reason, each once',
      [failed('declined'), failed('unknown'), failed('declined')],
      `${reasonInWords('declined')}; ${reasonInWords('unknown')}`,
    ],
    [
      'is none of a part that went back',
      [failed('declined'), refundPart({ status: 'succeeded' })],
      reasonInWords('declined'),
    ],
    ['is none that a person has settled', [failed('declined', settled), failed('unknown')], reasonInWords('unknown')],
    ['is the cancel of a part without a reason', [canceled], reasonInWords('canceled')],
    [
      'is the reason of a cancel that has one',
      [{ ...canceled, failureReason: 'merchant_request' }],
      reasonInWords('merchant_request'),
    ],
    ['is unknown where a failed part gives none', [refundPart({ status: 'failed' })], reasonInWords(undefined)],
  ])('%s', (_name, parts, words) => {
    expect(failureInWords(refundFacts({ state: 'failed', parts }))).toBe(words);
  });

  it('is why it was given up, where no money moved', () => {
    const ended = refundFacts({ state: 'canceled', parts: [], endedReason: 'capture_unknown' });
    expect(failureInWords(ended)).toBe(reasonInWords('capture_unknown'));
  });

  it('is told in words; a reason that is not known here as the provider writes it', () => {
    expect(reasonInWords('declined')).not.toContain('payment provider');
    expect(reasonInWords('of_next_year')).toContain('"of_next_year"');
    expect(reasonInWords(undefined)).toBe('no reason was given');
  });
});

describe('another try at the provider is offered', () => {
  const offered = (parts: RefundPart[], endedReason?: string): boolean => {
    const refund = refundFacts({ state: 'failed', parts, ...(endedReason !== undefined && { endedReason }) });
    const ways = waysOut(refund).map((way) => way.split(':')[0]);
    expect(ways).toEqual(expect.arrayContaining(['manual_transfer', 'dismiss']));
    expect(failedMessage(refund).includes('once the dispute is decided')).toBe(!ways.includes('another_refund'));
    return ways.includes('another_refund');
  };

  it.each<[string, RefundPart[], string | undefined, boolean]>([
    ['after a failure', [failed('insufficient_funds')], undefined, true],
    ['not after a dispute: the provider would refuse it', [failed('charge_disputed')], undefined, false],
    ['not once a dispute was lost', [failed('charged_back'), failed('disputed')], undefined, false],
    ['where something else failed, too', [failed('charged_back'), failed('declined')], undefined, true],
    ['where nothing says why', [refundPart({ status: 'failed' })], undefined, true],
    [
      'not where only what is settled failed otherwise',
      [failed('declined', settled), failed('disputed')],
      undefined,
      false,
    ],
    ['not where it was given up for a dispute', [], 'disputed', false],
    ['where it was given up for a capture', [], 'capture_unknown', true],
    ['where nobody says why it was given up', [], undefined, true],
  ])('%s', (_name, parts, endedReason, isOffered) => {
    expect(offered(parts, endedReason)).toBe(isOffered);
  });
});
