import { DEFAULT_POLICY, holdLimitMs } from '../../../../workflows/domain/shared/policy';

const DAY_MS = 86_400_000;

describe('how long an order’s hold is renewed by itself', () => {
  it('is what its policy says, nothing included', () => {
    expect(holdLimitMs({ ...DEFAULT_POLICY, holdLimitMs: 5 })).toBe(5);
    expect(holdLimitMs({ ...DEFAULT_POLICY, holdLimitMs: 0 })).toBe(0);
  });

  it('is 30 days for an order that was placed before policies said it', () => {
    const { holdLimitMs: _none, ...earlier } = DEFAULT_POLICY;
    expect(holdLimitMs(earlier)).toBe(30 * DAY_MS);
  });
});

it('the default policy warns before it acts, and acts before a hold of a week ends', () => {
  expect(DEFAULT_POLICY.holdMarginMs).toBeLessThan(DEFAULT_POLICY.holdWarnMs);
  expect(DEFAULT_POLICY.holdWarnMs).toBeLessThan(7 * DAY_MS);
  expect(DEFAULT_POLICY.holdLimitMs).toBeGreaterThan(DEFAULT_POLICY.handlingLimitMs);
});
