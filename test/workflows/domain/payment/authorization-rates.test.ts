import { authorizationRate } from '../../../../workflows/domain/payment/authorization-rates';

it.each([
  ['where no bank was asked', 0, 0, null],
  ['where every bank said no', 0, 4, 0],
  ['where every bank said yes', 4, 0, 1],
  ['where three of four said yes', 3, 1, 0.75],
])('the rate of authorizations %s', (_name, authorized, declined, rate) => {
  expect(authorizationRate(authorized, declined)).toBe(rate);
});
