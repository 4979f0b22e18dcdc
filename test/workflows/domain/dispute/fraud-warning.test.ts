import { fraudWarningEnd, fraudWarningWaiting } from '../../../../workflows/domain/dispute/fraud-warning';

const UNTIL = '2026-02-01T00:00:00.000Z';
const BEFORE = '2026-01-31T23:59:59.999Z';
const open = { captured: 1000, paymentRefundable: 1000, isDisputed: false, actionable: true, until: UNTIL };
const atStripe = { isDisputed: false, isRefunded: false };

describe('an early fraud warning ends', () => {
  it.each<[string, Partial<typeof open>, Partial<typeof atStripe>, string, string | undefined]>([
    ['not while a person can decide', {}, {}, BEFORE, undefined],
    ['once nobody has decided for long enough', {}, {}, UNTIL, 'lapsed'],
    ['where its payment is disputed by our record', { isDisputed: true }, {}, BEFORE, 'disputed'],
    ['where its payment is disputed at Stripe', {}, { isDisputed: true }, BEFORE, 'disputed'],
    ['where its payment was refunded at Stripe', {}, { isRefunded: true }, BEFORE, 'refunded'],
    ['where nothing is left to refund', { paymentRefundable: 0 }, {}, BEFORE, 'refunded'],
    ['not where a part is left', { paymentRefundable: 1 }, {}, BEFORE, undefined],
    ['not where nothing was captured yet', { captured: 0, paymentRefundable: 0 }, {}, BEFORE, undefined],
    ['where Stripe says that nothing is to be gained', { actionable: false }, {}, BEFORE, 'not_actionable'],
    ['as disputed, also where it was refunded, too', {}, { isDisputed: true, isRefunded: true }, UNTIL, 'disputed'],
    [
      'as refunded, also where Stripe calls it not actionable',
      { actionable: false },
      { isRefunded: true },
      UNTIL,
      'refunded',
    ],
  ])('%s', (_name, warning, provider, now, end) => {
    expect(fraudWarningEnd({ ...open, ...warning }, { ...atStripe, ...provider }, now)).toBe(end);
  });

  it('and waits for a person until then', () => {
    expect(fraudWarningWaiting({ until: UNTIL })).toMatchObject({ on: 'approver', until: UNTIL });
    expect(fraudWarningWaiting({ until: UNTIL, ended: 'ignored' })).toBeUndefined();
  });
});
