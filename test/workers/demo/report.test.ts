import type { OrderView } from '../../../workflows/domain/order/view';
import { Progress } from '../../../workers/demo/progress';
import { linksTo, promiseLines, storyTable, verdict } from '../../../workers/demo/report';
import { playScenes } from '../../../workers/demo/scenes/scenes';
import type { Scene, Stage } from '../../../workers/demo/stage';

const linkTo = linksTo('http://127.0.0.1:8233/', 'default');
const order: OrderView = {
  orderId: 'ord_1',
  cartId: 'cart-1',
  channel: 'demo',
  state: 'allocated',
  paymentState: 'authorized',
  currency: 'eur',
  amounts: { heldNow: 0, authorized: 7_770, captured: 0, released: 0, refundPending: 0, refunded: 0 },
  captureBefore: null,
  lines: [],
  shipments: [],
  refunds: [],
  disputes: [],
  returns: [],
  waitingOn: 'warehouse',
  placedAt: '2030-01-31T12:00:00.000Z',
};

describe('the table of the demo', () => {
  it('shows path, state and money of an order, and links its workflow', () => {
    const text = storyTable([{ cart: { path: 'Paid', cartId: 'cart-1', orderId: 'ord_1' }, order }], linkTo);
    expect(text).toMatch(/│ Paid +│ allocated, waits for warehouse │ +77\.70 EUR │ +│ +│/);
    expect(text).toContain('http://127.0.0.1:8233/namespaces/default/workflows/order-ord_1 ');
  });

  it('links the checkout of a cart that became no order, and groups carts with the same outcome', () => {
    const lost = (cartId: string) => ({ cart: { path: 'Too late', cartId, outcome: 'no order: out of stock' } });
    const text = storyTable([lost('a'), lost('b')], linkTo);
    expect(text).toContain('Too late (2 carts, one linked)');
    expect(text).toContain('no order: out of stock');
    expect(text).toContain('/workflows/checkout-a ');
    expect(text).not.toContain('checkout-b');
  });

  it('names the workflow when there is no web UI', () => {
    expect(linksTo(undefined, 'default')('order-ord_1')).toBe('order-ord_1');
  });
});

describe('the verdict', () => {
  const scenes = [true, false].map((succeeded) => ({ title: 'one', succeeded, carts: [] }));

  it('counts', () => {
    expect(verdict(scenes.slice(0, 1), 13, 0)).toBe('1 scenes, 13 orders, 0 violations');
    expect(verdict(scenes, 13, 2)).toBe('2 scenes, 1 failed, 13 orders, 2 violations');
  });

  it('shows for each promise whether it was kept, and what broke it', () => {
    const lines = promiseLines([{ promise: 'ledger', what: 'pi_1: 1 taken, 0 in the ledger' }]);
    expect(lines.filter((line) => line.startsWith('✓'))).toHaveLength(7);
    expect(lines.join('\n')).toContain('✗ ledger = simulator\n    pi_1: 1 taken, 0 in the ledger');
  });
});

describe('progress', () => {
  const play = (isTTY: boolean): string => {
    const written: string[] = [];
    let nowMs = 0;
    const progress = new Progress({ isTTY, columns: 20, write: (text) => written.push(text) }, () => nowMs);
    progress.begin('A scene with a long title');
    nowMs = 1_500;
    progress.print('a line');
    progress.end('A scene with a long title', true, 'went well');
    progress.stop();
    return written.join('');
  };

  it('is plain lines without a terminal', () => {
    expect(play(false)).toBe('… A scene with a long title\na line\n✓ A scene with a long title (1.5 s): went well\n');
  });

  it('keeps what runs below what is done on a terminal, each within one line', () => {
    const up = '\u001b[1A\u001b[0J';
    expect(play(true)).toBe(
      `… A scene with a lo\n${up}a line\n… A scene with a lo\n${up}✓ A scene with a long title (1.5 s): went well\n`,
    );
  });
});

describe('playing', () => {
  const stage = { signal: new AbortController().signal } as Stage;
  const scene = (title: string, fails: boolean, slow = false): Scene => ({
    title,
    slow,
    play: () => (fails ? Promise.reject(new Error('it went wrong')) : Promise.resolve({ story: 'well', carts: [] })),
  });

  it('continues after a scene that failed, and reports in the order of the scenes', async () => {
    const told: string[] = [];
    const audience = {
      begin: () => undefined,
      end: (title: string, succeeded: boolean, story: string) => told.push(`${title} ${succeeded} ${story}`),
    };
    const played = await playScenes(stage, audience, [scene('a', true), scene('b', false, true), scene('c', false)]);
    expect(played.map(({ title, succeeded }) => [title, succeeded])).toEqual([
      ['a', false],
      ['b', true],
      ['c', true],
    ]);
    expect(told.sort()).toEqual(['a false it went wrong', 'b true well', 'c true well']);
  });

  it('ends with the demo when it is interrupted', async () => {
    const abort = new AbortController();
    abort.abort(new Error('interrupted'));
    const audience = { begin: () => undefined, end: () => undefined };
    await expect(playScenes({ ...stage, signal: abort.signal }, audience, [scene('a', false)])).rejects.toThrow(
      'interrupted',
    );
  });
});
