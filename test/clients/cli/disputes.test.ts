import { CommandFailed } from '../../../clients/cli/gateway-client';
import { gatewayForTests } from '../support/gateway-for-tests';
import { runCli } from '../support/run-cli';
import { disputeView, fraudWarningView } from '../support/dispute-views';

// The command line in this process, over HTTP to a real gateway.

const served = gatewayForTests();

const holdfast = (...args: readonly string[]): Promise<string> => runCli(served.url, args);

test('disputes list: what must be answered, and by when', async () => {
  served.fakes.disputes.set('du_2', disputeView({ disputeId: 'du_2', isInquiry: true, currency: 'jpy' }));
  const out = await holdfast('disputes', 'list', '--open', '--limit', '5');
  expect(out).toMatch(/du_1 .*evidence_due .*49.99 EUR .*fraudulent .*approver/);
  expect(out).toMatch(/du_2 .*evidence_due \(inquiry\) .*4999 JPY/);
  expect(served.fakes.listed).toEqual([{ open: true, limit: 5 }]);
});

test('empty lists print that there are none', async () => {
  served.fakes.disputes.clear();
  served.fakes.fraudWarnings.clear();
  expect(await holdfast('disputes', 'list')).toBe('No disputes.');
  expect(await holdfast('fraud-warnings', 'list')).toBe('No early fraud warnings.');
});

test('disputes show: the money, the evidence by its fields, the decision', async () => {
  const out = await holdfast('disputes', 'show', 'du_1');
  for (const text of [
    'du_1, round 1',
    '20.00 EUR',
    'customer_name, uncategorized_text',
    '1 × MUG-1',
    'approver until',
  ]) {
    expect(out).toContain(text);
  }
  const decision = { action: 'submit', actor: 'op-1', at: 't', attempt: 1, refused: 'too_late' } as const;
  const exceptions = [{ kind: 'dispute_unsettled', message: 'm', owner: 'payments', raisedAt: 't' } as const];
  served.fakes.disputes.set('du_1', disputeView({ isInquiry: true, feeAmount: -100, decision, exceptions }));
  const refused = await holdfast('disputes', 'show', 'du_1');
  for (const text of [
    'inquiry',
    'refused by the provider (too_late)',
    '-1.00 EUR',
    'dispute_unsettled, owner payments',
  ]) {
    expect(refused).toContain(text);
  }
  expect(JSON.parse(await holdfast('--json', 'disputes', 'show', 'du_1'))).toMatchObject({ disputeId: 'du_1' });
});

test('disputes decide sends the decision, under the key', async () => {
  served.fakes.answer = () => ({
    accepted: true,
    disputeId: 'du_1',
    stage: 'under_review',
    action: 'submit',
    doneAt: 't',
  });
  const texts = ['--text', 'Signed for.', '--note', 'called', '--idempotency-key', 'k'];
  expect(await holdfast('disputes', 'decide', 'du_1', '--action', 'submit', ...texts)).toContain('under_review');
  const body = { action: 'submit', note: 'called', uncategorizedText: 'Signed for.' };
  expect(served.fakes.sent).toMatchObject([{ verb: 'decideDispute', args: ['du_1', body, {}] }]);
});

test('fraud-warnings: listed, shown, decided', async () => {
  const decided = { refundId: 'fraud-issfr_1', refundState: 'pending', ended: 'refunded' } as const;
  expect(await holdfast('fraud-warnings', 'list', '--open')).toMatch(/issfr_1 .*made_with_stolen_card .*49.99 EUR/);
  served.fakes.fraudWarnings.set('issfr_1', fraudWarningView(decided));
  expect(await holdfast('fraud-warnings', 'show', 'issfr_1')).toContain('fraud-issfr_1 (pending)');
  served.fakes.fraudWarnings.set('issfr_1', fraudWarningView());
  served.fakes.answer = () => ({ accepted: true, warningId: 'issfr_1', action: 'ignore', ended: 'ignored' });
  expect(await holdfast('fraud-warnings', 'decide', 'issfr_1', '--action', 'ignore')).toContain('ignored');
  expect(served.fakes.sent).toMatchObject([
    { verb: 'decideFraudWarning', args: ['issfr_1', { action: 'ignore' }, {}] },
  ]);
});

test('a refusal is printed; a wrong action is not sent', async () => {
  served.fakes.answer = () => ({ accepted: false, reason: 'refused_by_provider', message: 'The deadline has passed.' });
  await expect(holdfast('disputes', 'decide', 'du_1', '--action', 'submit')).rejects.toThrow(CommandFailed);
  await expect(holdfast('disputes', 'decide', 'du_1', '--action', 'fight')).rejects.toThrow(/Allowed choices/);
  await expect(holdfast('fraud-warnings', 'decide', 'issfr_1')).rejects.toThrow(/--action/);
  expect(served.fakes.sent).toHaveLength(1);
});
