import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { orderView } from '../support/gateway-fakes';
import { gatewayForTests } from '../support/gateway-for-tests';
import { runCli } from '../support/run-cli';

// The command line in this process, over HTTP to a real gateway.

const served = gatewayForTests();

const holdfast = (...args: readonly string[]): Promise<string> => runCli(served.url, args);
const ROOT = join(__dirname, '../../..');
const SHIPMENT = ['--line', 'MUG-1=1', '--carrier', 'dhl', '--tracking', 'JD1'];

describe('missing options and arguments are named at once, in one error', () => {
  test.each([
    [
      ['orders', 'ship'],
      ['<orderId>', '--line <SKU=QUANTITY...>', '--carrier <name>', '--tracking <number>'],
    ],
    [
      ['orders', 'ship', 'ord_1', '--carrier', 'dhl'],
      ['--line <SKU=QUANTITY...>', '--tracking <number>'],
    ],
    [
      ['disputes', 'decide'],
      ['<id>', '--action <action>'],
    ],
    [
      ['refunds', 'create'],
      ['<orderId>', '--reason <text>'],
    ],
    [['payments', 'reconcile'], ['--date <day>']],
  ])('%j', async (args, missing) => {
    const error: unknown = await holdfast(...args).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CommanderError);
    expect((error as Error).message).toBe(`error: missing: ${missing.join(', ')}`);
    expect(served.fakes.sent).toEqual([]);
  });
});

test('help says which options are required, and shows --json', async () => {
  const help = await holdfast('orders', 'ship', '--help');
  expect(help).toContain('Usage: holdfast orders ship [options] <orderId>');
  expect(help).toMatch(/--carrier <name> +e\.g\. dhl \(required\)\n/);
  expect(help).toMatch(/--warehouse <id> +(?!.*required).*\n/);
  expect(help).toContain('--json');
  expect(await holdfast('exceptions', 'resolve', '--help')).toMatch(
    /--action <action> +[^]*"dismiss"\)\s+\(required\)/,
  );
});

/** What the README and docs/ tell a reader to type; setup and doctor need no gateway and have tests of their own. */
function documentedCommands(): string[] {
  const files = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))];
  const texts = files.filter((name) => name.endsWith('.md')).map((name) => readFileSync(join(ROOT, name), 'utf8'));
  const lines = texts.flatMap((text) =>
    [...text.matchAll(/npx holdfast ([^`#\n]+)/g)].map(([, line = '']) => line.trim()),
  );
  return [...new Set(lines)].filter((line) => !/^(setup|doctor|simulator)/.test(line));
}

test.each(documentedCommands())('as documented: holdfast %s', async (line) => {
  const args = line.replace('<key>', 'refund:rf_1:done').split(' ');
  const report = { date: '2026-01-31', ranAt: 't', providerMovements: 0, matched: 0, differences: [] };
  Object.assign(served.fakes.deps.settlement, { getReport: () => Promise.resolve(report) });
  served.fakes.answer = () => ({ accepted: true });
  await expect(holdfast(...args)).resolves.not.toBe('');
});

test.each(['ship', 'cancel', 'deliver', 'decide', 'list', 'show', 'stuck'])('orders %s exists', async (command) => {
  expect(await holdfast('orders', '--help')).toContain(`\n  ${command} `);
});

describe('amounts in an answer are shown as money, by the rules of the currency', () => {
  const shipped = { accepted: true, shipmentId: 'dhl/JD1', capturedAmount: 7_970, state: 'shipped' };

  test.each([
    ['eur', '79.70 EUR'],
    ['jpy', '7970 JPY'],
    ['kwd', '7.970 KWD'],
    ['isk', '80 ISK'],
  ])('of a shipment in %s, whose answer does not name its currency', async (currency, money) => {
    served.fakes.orders.set('ord_1', orderView('ord_1', { currency }));
    served.fakes.answer = () => shipped;
    const out = await holdfast('orders', 'ship', 'ord_1', ...SHIPMENT);
    expect(out).toMatch(new RegExp(`│ capturedAmount +│ ${money} +│`));
  });

  test('of a shipment whose order cannot be read afterwards: as minor units, and the command succeeds', async () => {
    served.fakes.answer = () => {
      served.fakes.orders.clear();
      return shipped;
    };
    expect(await holdfast('orders', 'ship', 'ord_1', ...SHIPMENT)).toContain('7970 minor units');
  });

  test('of a cancelled order, with its lines', async () => {
    const cancelledLines = [
      { sku: 'MUG-1', quantity: 2 },
      { sku: 'TEA-1', quantity: 1 },
    ];
    served.fakes.answer = () => ({ accepted: true, state: 'cancelled', releasedAmount: 4_999, cancelledLines });
    const out = await holdfast('orders', 'cancel', 'ord_1', '--reason', 'x');
    for (const text of ['49.99 EUR', 'sku MUG-1, quantity 2', 'sku TEA-1, quantity 1']) expect(out).toContain(text);
  });

  test('of a refund and its parts', async () => {
    const part = { part: 1, attempt: 1, paymentIntentId: 'pi_1', amount: 900, status: 'pending' };
    const refund = { refundId: 'rf_1', orderId: 'ord_1', state: 'pending', amount: 900, currency: 'eur' };
    served.fakes.answer = () => ({ accepted: true, ...refund, parts: [part] });
    const out = await holdfast('refunds', 'create', 'ord_1', '--amount', '900', '--reason', 'x');
    expect(out).toMatch(/│ amount +│ 9\.00 EUR/);
    expect(out).toContain('paymentIntentId pi_1, amount 9.00 EUR, status pending');
  });

  test('and as the gateway sent them with --json', async () => {
    served.fakes.answer = () => shipped;
    const out = await holdfast('--json', 'orders', 'ship', 'ord_1', ...SHIPMENT);
    expect(JSON.parse(out)).toMatchObject({ capturedAmount: 7_970 });
  });
});
