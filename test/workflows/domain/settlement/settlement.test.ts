import {
  dayBefore,
  dayOf,
  differenceOf,
  sumPositions,
  type Position,
} from '../../../../workflows/domain/settlement/settlement';

const charge = (amount: number, currency = 'eur'): Position => ({
  position: 'charge:pi_1',
  kind: 'charge',
  amount,
  currency,
});
const refund = (amount: number): Position => ({ position: 'refund:re_1', kind: 'refund', amount, currency: 'eur' });
const ours = { isOurs: true };
const strange = { isOurs: false };

describe('why two sides of a position differ', () => {
  test.each([
    ['both say the same', { ledger: charge(500), provider: charge(500) }, ours, undefined],
    ['neither says anything', {}, ours, undefined],
    ['both say that nothing came of it', { ledger: refund(0), provider: refund(0) }, ours, undefined],
    ['a refund that failed, with nothing at the provider', { ledger: refund(0) }, ours, undefined],
    ['taken, and not in our ledger', { provider: charge(500) }, ours, 'not_recorded'],
    ['more taken than our ledger has', { ledger: charge(300), provider: charge(500) }, ours, 'not_recorded'],
    ['less taken than our ledger has', { ledger: charge(500), provider: charge(300) }, ours, 'not_at_provider'],
    ['in our ledger alone', { ledger: charge(500) }, ours, 'not_at_provider'],
    ['the same amount in another currency', { ledger: charge(5), provider: charge(5, 'usd') }, ours, 'not_at_provider'],
    ['a charge of the dashboard', { provider: charge(500) }, strange, 'made_elsewhere'],
    ['an invoice', { provider: charge(500) }, { ...strange, invoiceAmount: 500 }, 'subscription'],
    [
      'another amount than its invoice',
      { provider: charge(500) },
      { ...strange, invoiceAmount: 400 },
      'made_elsewhere',
    ],
    ['promised back, not moved', { ledger: refund(-200) }, { ...ours, isPending: true }, 'refund_pending'],
    ['given back twice', { ledger: refund(-200), provider: refund(-400) }, ours, 'not_recorded'],
    [
      'promised back, a part moved',
      { ledger: refund(-200), provider: refund(-100) },
      { ...ours, isPending: true },
      'refund_pending',
    ],
    [
      'promised back, more moved',
      { ledger: refund(-200), provider: refund(-300) },
      { ...ours, isPending: true },
      'not_recorded',
    ],
    [
      'promised back, and money came in',
      { ledger: refund(-200), provider: refund(200) },
      { ...ours, isPending: true },
      'not_at_provider',
    ],
    ['given back, and pending for us', { ledger: refund(-200), provider: refund(-200) }, ours, undefined],
    ['told as given back and not given', { ledger: refund(-200) }, ours, 'not_at_provider'],
    ['came back, and our ledger does not know', { ledger: refund(-200), provider: refund(0) }, ours, 'not_at_provider'],
    [
      'a hold of which nothing is known',
      { ledger: { ...charge(900), kind: 'hold' as const } },
      ours,
      'hold_unaccounted',
    ],
    ['a movement of another kind', { provider: { ...charge(9), kind: 'other' as const } }, strange, 'unknown_movement'],
  ])('%s', (_name, sides, context, cause) => {
    expect(differenceOf(sides, context)?.cause).toBe(cause);
  });

  it('needs a person unless the cause explains it', () => {
    const explained = (context: Parameters<typeof differenceOf>[1]) =>
      differenceOf({ provider: charge(500) }, context)?.explained;
    expect([explained(ours), explained(strange), explained({ ...strange, invoiceAmount: 500 })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('names the order that either side knows', () => {
    const provider = { ...charge(1), orderId: 'ord_2' };
    expect(differenceOf({ provider }, ours)).toMatchObject({ orderId: 'ord_2', ledgerAmount: 0, providerAmount: 1 });
    expect(differenceOf({ provider: charge(1) }, ours)).not.toHaveProperty('orderId');
  });
});

it('adds up what was moved in several steps', () => {
  expect(sumPositions([charge(300), refund(-100), charge(200)])).toEqual(
    new Map([
      ['charge:pi_1', charge(500)],
      ['refund:re_1', refund(-100)],
    ]),
  );
});

describe('a day', () => {
  it('lasts from midnight to midnight in UTC', () => {
    expect(dayOf('2026-02-28')).toEqual({ from: '2026-02-28T00:00:00.000Z', until: '2026-03-01T00:00:00.000Z' });
    expect(dayBefore(Date.parse('2026-03-01T05:00:00Z'))).toBe('2026-02-28');
  });

  test.each(['2026-02-29', '2026-2-28', '+002026-02-28', 'yesterday', '', '2026-02-28T00:00:00Z'])(
    'is not %j',
    (date) => {
      expect(() => dayOf(date)).toThrow(RangeError);
    },
  );
});
