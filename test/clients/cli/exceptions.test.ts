import { Command } from 'commander';
import { addExceptions } from '../../../clients/cli/exceptions';
import type { CommandDeps } from '../../../clients/cli/options';

const open = {
  exceptionId: '7',
  orderId: 'ord_1',
  subjectType: null,
  subjectId: null,
  workflowId: 'order-ord_1',
  kind: 'capture_unknown',
  message: 'it is not known',
  owner: 'payments',
  amountAtRisk: 3_070,
  currency: 'eur',
  raisedAt: '2026-03-01T11:00:00.000Z',
  resolution: null,
  decidedBy: null,
  note: null,
  resolvedAt: null,
  actions: ['retry', 'give_up'],
  elsewhere: 'POST /v1/orders/ord_1/shipments, corrected',
};

async function shown(args: readonly string[], answer: unknown): Promise<string> {
  let text = '';
  const gateway = { get: () => Promise.resolve(answer), post: () => Promise.resolve(answer) };
  const program = new Command();
  const show: CommandDeps['show'] = async (got, table) => void (text = await table(got));
  addExceptions(program, { gateway: () => gateway, show });
  await program.parseAsync(['node', 'holdfast', 'exceptions', ...args]);
  return text;
}

test('the list shows what is at risk as money, and what is possible as commands', async () => {
  const text = await shown(['list'], {
    exceptions: [open, { ...open, exceptionId: '8', amountAtRisk: null, currency: null }],
  });
  expect(text).toContain('30.70 EUR');
  expect(text).toContain('holdfast exceptions resolve 7 --action give_up');
  expect(text).toContain('holdfast orders ship ord_1 …');
});

test.each([
  [
    'POST /v1/refunds/ref_1/resolution or /cancel',
    ['holdfast refunds resolve ref_1 …', 'holdfast refunds cancel ref_1 …'],
  ],
  ['POST /v1/orders/ord_1/shipments or /refunds', ['holdfast orders ship ord_1 …', 'holdfast refunds create ord_1 …']],
  ['POST /v1/fraud-warnings/issfr_1/decision', ['holdfast fraud-warnings decide issfr_1 …']],
  ['The exception ends by itself with the next look at the provider that succeeds.', ['The exception ends by itself']],
])('an exception is shown with the commands that resolve it: %s', async (elsewhere, commands) => {
  const text = await shown(['show', '7'], { ...open, actions: [], elsewhere });
  for (const command of commands) expect(text).toContain(command);
});

test('an exception is shown without nulls, and with who resolved it', async () => {
  const resolved = {
    ...open,
    resolution: 'give_up',
    decidedBy: 'person-1',
    resolvedAt: '2026-03-01T12:00:00.000Z',
    actions: [],
  };
  const text = await shown(['show', '7'], { ...resolved, elsewhere: undefined });
  expect(text).not.toContain('null');
  expect(text).toContain('give_up, person-1');
  expect(text).toContain('30.70 EUR');
});
