import { CommandFailed } from '../../../clients/cli/gateway-client';
import { gatewayForTests } from '../support/gateway-for-tests';
import { runCli } from '../support/run-cli';
import { subscriptionView } from '../support/subscription-view';

// The command line in this process, over HTTP to a real gateway.

const served = gatewayForTests();

const holdfast = (...args: readonly string[]): Promise<string> => runCli(served.url, args);

test('subscriptions list: their status and who must act next', async () => {
  const exception = { kind: 'subscription_unreadable', message: 'm', owner: 'payments', raisedAt: 't' };
  served.fakes.subscriptions.set(
    'sub_2',
    subscriptionView('sub_2', { entitled: false, exception: exception as never }),
  );
  const out = await holdfast('subscriptions', 'list', '--stage', 'past_due', '--limit', '5');
  expect(out).toContain('│ sub_1        │ past_due │ converted │ yes      │ 1 × Coffee club at 19.00 EUR a month');
  expect(out).toMatch(/sub_2 .* no .*subscription_unreadable/);
  expect(served.fakes.listed).toEqual([{ stage: 'past_due', limit: 5 }]);
});

test('subscriptions list prints that there are none; as JSON it is empty', async () => {
  served.fakes.subscriptions.clear();
  expect(await holdfast('subscriptions', 'list')).toBe('No subscriptions.');
  expect(JSON.parse(await holdfast('--json', 'subscriptions', 'list'))).toEqual({ subscriptions: [] });
});

test('subscriptions show: the invoice, the changes of plan, the notices sent', async () => {
  const out = await holdfast('subscriptions', 'show', 'sub_1');
  for (const text of [
    'provider until 2026-03-15T00:00:00.000Z: the payment failed and is tried again',
    'in_1 open, 19.00 EUR, 1 tries, refused: insufficient_funds, next try 2026-03-02T01:00:00.000Z',
    '2 × Coffee club at 19.00 EUR a month → 1 × Coffee club at 19.00 EUR a month',
    '-2.50 EUR',
    'payment_failed',
  ]) {
    expect(out).toContain(text);
  }
  expect(JSON.parse(await holdfast('--json', 'subscriptions', 'show', 'sub_1'))).toEqual(subscriptionView('sub_1'));
});

test('subscriptions show of one that has ended and of one that is bare', async () => {
  const { invoice: _i, trialEndsAt: _t, waitingOn: _w, ...bare } = subscriptionView('sub_1');
  const ended = { endedAt: '2026-03-14T01:00:00.000Z', endReason: 'payment_failed' };
  served.fakes.subscriptions.set('sub_1', { ...bare, ...ended, stage: 'canceled', notices: [], changes: [] });
  const out = await holdfast('subscriptions', 'show', 'sub_1');
  expect(out).toContain('canceled (provider: past_due)');
  expect(out).toContain('2026-03-14T01:00:00.000Z, payment_failed');
});

test('subscriptions pay: with a key that gets the first answer again', async () => {
  served.fakes.answer = () => ({ accepted: true, outcome: 'paid', stage: 'active', entitled: true });
  const out = await holdfast('subscriptions', 'pay', 'sub_1', '--payment-method', 'pm_1', '--idempotency-key', 'k');
  expect(out).toContain('paid');
  const key = { idempotencyKey: expect.stringMatching(/:k$/) as string };
  expect(served.fakes.sent).toMatchObject([
    { verb: 'paySubscription', args: ['sub_1', { paymentMethod: 'pm_1' }, key] },
  ]);
});

test.each<[string[], RegExp]>([
  [['subscriptions', 'show', 'sub_9'], /The subscription is not known \(not_found\)/],
  [['subscriptions', 'show', 'no id'], /\n {2}subscriptionId: must be 1 to 100/],
  [['subscriptions', 'pay', 'sub_1', '--payment-method', 'pm 1'], /\n {2}paymentMethod: /],
])('%j fails with the reason', async (args, message) => {
  await expect(holdfast(...args)).rejects.toThrow(CommandFailed);
  await expect(holdfast(...args)).rejects.toThrow(message);
  expect(served.fakes.sent).toEqual([]);
});

test.each([
  [['subscriptions', 'list', '--stage', 'dormant']],
  [['subscriptions', 'list', '--limit', 'many']],
  [['subscriptions', 'pay', 'sub_1']],
  [['subscriptions', 'dance']],
])('%j is used wrongly, and nothing is sent', async (args) => {
  await expect(holdfast(...args)).rejects.toMatchObject({ name: 'CommanderError' });
  expect([...served.fakes.sent, ...served.fakes.listed]).toEqual([]);
});
