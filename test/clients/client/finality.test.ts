import { isFinal, isFinalProblem } from '../../../clients/client/finality';

// Which answers are kept under a key; the table itself is exhaustive by its type.

test.each([
  [{ state: 'placed', orderId: 'o' }, true],
  [{ state: 'declined', code: 'expired_card' }, true],
  [{ state: 'requires_action', clientSecret: 's' }, false],
  [{ state: 'out_of_stock' }, false],
  [{ state: 'failed', code: 'payment_unavailable' }, false],
  [{ state: 'failed', code: 'cart_changed', placed: false }, false],
  [{ state: 'failed', code: 'cart_changed', placed: true }, true],
  [{ accepted: true, state: 'shipped' }, true],
  [{ accepted: true, state: 'authorized' }, true],
  [{ accepted: true, state: 'requires_action' }, false],
  [{ accepted: true, outcome: 'requires_action' }, false],
  [{ accepted: true, outcome: 'declined' }, true],
  [{ accepted: true, state: 'waiting', refundId: 'rf_1' }, true],
  [{ accepted: false, reason: 'already_shipped' }, true],
  [{ accepted: false, reason: 'outcome_unknown' }, false],
  [{ accepted: false, reason: 'payment_needed' }, false],
  [{ accepted: false, reason: 'disputed' }, false],
  [{ accepted: false, reason: 'exceeds_refundable' }, false],
  [{ accepted: false, reason: 'a reason that a newer version knows' }, false],
])('the answer %j is final: %s', (answer, final) => expect(isFinal(answer)).toBe(final));

test.each([
  [{ code: 'card_declined' }, true],
  [{ code: 'subscription_canceled' }, true],
  [{ code: 'cart_changed', placed: true }, true],
  [{ code: 'cart_changed', placed: false }, false],
  [{ code: 'outcome_unknown' }, false],
  [{ code: 'not_found' }, false],
  [{ code: 'toString' }, false],
])('the problem %j is final: %s', (extras, final) => expect(isFinalProblem(extras)).toBe(final));
