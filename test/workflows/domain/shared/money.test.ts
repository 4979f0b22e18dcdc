import {
  amountProblem,
  assertAmount,
  chargeProblem,
  isAmount,
  MAX_AMOUNT,
  shareOf,
} from '../../../../workflows/domain/shared/money';
import { CURRENCIES, currencyRules, isCurrency } from '../../../../workflows/domain/shared/currencies';
import { check, fc } from '../../../support/property';

describe('an amount', () => {
  it.each([
    [0, true],
    [1, true],
    [MAX_AMOUNT, true],
    [MAX_AMOUNT + 1, false],
    [-1, false],
    [0.5, false],
    [NaN, false],
  ])('%d is one: %s', (value, isOne) => {
    expect(isAmount(value)).toBe(isOne);
    if (isOne) expect(assertAmount(value, 'the total')).toBe(value);
    else expect(() => assertAmount(value, 'the total')).toThrow(RangeError);
  });

  it.each([
    [0, 'eur', undefined],
    [1, 'eur', undefined],
    [MAX_AMOUNT, 'eur', undefined],
    [MAX_AMOUNT + 1, 'eur', /at most/],
    [1_230, 'kwd', undefined],
    [1_235, 'kwd', /a multiple of 10 minor units in KWD/],
    [50, 'isk', /a multiple of 100/],
    // The largest charge is whole units, too.
    [999_999_999_900, 'isk', undefined],
    [1_000_000_000_000, 'isk', /at most 999999999900/],
  ] as const)('%d of %s may be charged, held or refunded but for: %s', (amount, currency, problem) => {
    const found = amountProblem(amount, currency);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe('a charge', () => {
  it.each([
    [50, 'usd', undefined],
    [49, 'usd', /at least 0.50 USD/],
    [0, 'usd', /at least 0.50 USD/],
    [50, 'jpy', undefined],
    [49, 'jpy', /at least 50 JPY/],
    [250, 'dkk', undefined],
    [249, 'dkk', /at least 2.50 DKK/],
    // Without a published minimum anything but nothing may be tried.
    [1, 'bgn', undefined],
    [0, 'bgn', /at least 0.01 BGN/],
    [50, 'isk', /a multiple of 100/],
  ] as const)('of %d %s may be made but for: %s', (amount, currency, problem) => {
    const found = chargeProblem(amount, currency);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe('a share', () => {
  it.each([
    ['a third, rounded down', 100, 1, 3, 'eur', 33],
    ['all', 100, 3, 3, 'eur', 100],
    ['of nothing', 100, 0, 0, 'eur', 0],
    ['a third, in whole units', 1000, 1, 3, 'isk', 300],
    ['of twelve digits, exactly', MAX_AMOUNT, MAX_AMOUNT - 1, MAX_AMOUNT, 'eur', MAX_AMOUNT - 1],
  ])('%s', (_name, amount, part, whole, currency, share) => {
    expect(shareOf(amount, part, whole, currency)).toBe(share);
  });

  it('is never more than its part, and less than it by less than the smallest unit', async () => {
    const digits = fc.integer({ min: 1, max: MAX_AMOUNT });
    await check(
      'shares are rounded down to whole units',
      fc.property(digits, digits, digits, fc.constantFrom('eur', 'isk', 'kwd'), (amount, one, other, currency) => {
        const [part, whole] = [Math.min(one, other), Math.max(one, other)];
        const { multiple } = currencyRules(currency);
        const share = BigInt(shareOf(amount, part, whole, currency));
        const exact = BigInt(amount) * BigInt(part);
        expect(share % BigInt(multiple)).toBe(0n);
        expect(share * BigInt(whole) <= exact).toBe(true);
        expect((share + BigInt(multiple)) * BigInt(whole) > exact).toBe(true);
      }),
    );
  });
});

describe('a currency', () => {
  const two = { stripeExponent: 2, displayExponent: 2, multiple: 1 };
  it.each([
    ['eur', two],
    ['usd', { ...two, minimum: 50 }],
    ['jpy', { stripeExponent: 0, displayExponent: 0, multiple: 1, minimum: 50 }],
    ['ugx', { stripeExponent: 2, displayExponent: 0, multiple: 100 }],
    ['kwd', { stripeExponent: 3, displayExponent: 3, multiple: 10 }],
  ])('%s has these rules', (code, rules) => {
    expect(isCurrency(code)).toBe(true);
    expect(CURRENCIES).toContain(code);
    expect(currencyRules(code)).toMatchObject(rules);
  });

  it('without rules here is not charged, and its amounts are still shown', () => {
    expect(isCurrency('xyz')).toBe(false);
    expect(isCurrency('EUR')).toBe(false);
    expect(currencyRules('xyz')).toEqual({ ...two, maximum: MAX_AMOUNT });
  });
});
