import { CommandFailed } from '../../../clients/cli/gateway-client';
import { refundFacts, refundPart } from '../../support/facts/refund';
import { gatewayForTests } from '../support/gateway-for-tests';
import { runCli } from '../support/run-cli';

// The command line in this process, over HTTP to a real gateway.

const served = gatewayForTests();

const holdfast = (...args: readonly string[]): Promise<string> => runCli(served.url, args);

const accepted = {
  accepted: true,
  refundId: 'rf_1',
  orderId: 'ord_1',
  state: 'pending',
  amount: 900,
  currency: 'eur',
  parts: [],
};

test('refunds create: an amount, or lines, under the key', async () => {
  served.fakes.answer = () => accepted;
  const why = ['--reason', 'a broken mug'];
  const byAmount = ['--amount', '900', '--currency', 'eur', ...why, '--idempotency-key', 'k'];
  expect(await holdfast('refunds', 'create', 'ord_1', ...byAmount)).toContain('rf_1');
  await holdfast('refunds', 'create', 'ord_1', '--line', 'MUG-1=2', '--line', 'TEA-1=1', ...why);
  const lines = [
    { sku: 'MUG-1', quantity: 2 },
    { sku: 'TEA-1', quantity: 1 },
  ];
  expect(served.fakes.sent).toMatchObject([
    {
      verb: 'refund',
      args: [
        'ord_1',
        { amount: 900, currency: 'eur', reason: 'a broken mug' },
        { idempotencyKey: expect.stringMatching(/k$/) as string },
      ],
    },
    { verb: 'refund', args: ['ord_1', { lines, reason: 'a broken mug' }, {}] },
  ]);
});

test('refunds show: the parts, the reason, and the outcome', async () => {
  served.fakes.refunds.set(
    'rf_1',
    refundFacts({
      state: 'resolved',
      lines: [{ sku: 'MUG-1', quantity: 1 }],
      parts: [
        refundPart({ status: 'failed', failureReason: 'lost_or_stolen_card', resolvedAt: '2026-01-12T00:00:00.000Z' }),
      ],
      resolution: { action: 'manual_transfer', actor: 'op-1', reference: 'bank-1', at: '2026-01-12T00:00:00.000Z' },
    }),
  );
  const out = await holdfast('refunds', 'show', 'rf_1');
  for (const text of [
    'resolved',
    '10.00 EUR',
    '1 × MUG-1',
    'failed, settled',
    'lost_or_stolen_card',
    'bank-1, op-1 at',
  ])
    expect(out).toContain(text);
  served.fakes.refunds.set('rf_1', refundFacts({ state: 'canceled', endedReason: 'disputed' }));
  expect(await holdfast('refunds', 'show', 'rf_1')).toContain('given up: disputed');
  expect(JSON.parse(await holdfast('--json', 'refunds', 'show', 'rf_1'))).toMatchObject({ refundId: 'rf_1' });
});

test('refunds resolve and cancel send the decision', async () => {
  served.fakes.answer = () => ({ ...accepted, state: 'resolved' });
  await holdfast('refunds', 'resolve', 'rf_1', '--action', 'manual_transfer', '--reference', 'bank-1');
  await holdfast('refunds', 'cancel', 'rf_1');
  expect(served.fakes.sent).toMatchObject([
    { verb: 'resolveRefund', args: ['rf_1', { action: 'manual_transfer', reference: 'bank-1' }, {}] },
    { verb: 'cancelRefund', args: ['rf_1', {}, {}] },
  ]);
});

test.each([
  [['create', 'ord_1', '--amount', '9.99', '--reason', 'x'], /minor units/],
  [['create', 'ord_1', '--line', 'MUG-1', '--reason', 'x'], /SKU=QUANTITY/],
  [['create', 'ord_1', '--amount', '1'], /--reason/],
  [['resolve', 'rf_1', '--action', 'forget'], /Allowed choices/],
  [['resolve', 'rf_1'], /--action/],
])('refunds %j is not sent', async (args, message) => {
  await expect(holdfast('refunds', ...args)).rejects.toThrow(message);
  expect(served.fakes.sent).toEqual([]);
});

test('a refusal is printed, with what is left', async () => {
  served.fakes.answer = () => ({
    accepted: false,
    reason: 'exceeds_refundable',
    message: '5.00 EUR are left.',
    refundable: 500,
  });
  const asked = holdfast('refunds', 'create', 'ord_1', '--amount', '900', '--reason', 'x');
  await expect(asked).rejects.toThrow(CommandFailed);
  await expect(asked).rejects.toThrow(/5\.00 EUR are left/);
});
