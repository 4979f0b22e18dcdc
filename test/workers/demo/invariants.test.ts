import type { ExceptionKind } from '../../../workflows/domain/exception/exception';
import type { BankState, SimulatedPayment } from '../../../workers/demo/bank';
import { findViolations } from '../../../workers/demo/invariants';
import type { Recorded } from '../../../workers/demo/recorded';
import { readRecorded } from '../../../workers/demo/recorded';
import { afterSaleViolations } from '../../../workers/demo/after-sale-promises';
import { sampleCart } from '../../support/carts';
import { uniqueName } from '../../support/environment';
import { closeConnections, createWorld } from '../../support/world';

const NOW_MS = Date.parse('2030-01-31T12:00:00Z');

/** An order of 100 with its hold, as both sides tell it when all is well. */
const payment: SimulatedPayment = {
  id: 'pi_1',
  status: 'requires_capture',
  amount: 100,
  amount_capturable: 100,
  amount_received: 0,
  customer: 'cus_1',
  metadata: { holdfast_order_id: 'ord_1', holdfast_cart_id: 'cart_1' },
};
const order = {
  orderId: 'ord_1',
  state: 'allocated',
  paymentState: 'authorized',
  total: 100,
  waitingOn: 'warehouse',
  waitingUntilMs: NOW_MS + 1,
};
const attempt = {
  orderId: 'ord_1',
  attempt: 1,
  status: 'authorized',
  tombstoned: false,
  authorized: 100,
  captured: 0,
  released: 0,
};
const money = { paymentIntentId: 'pi_1', authorized: 100, captured: 0, released: 0 };
const pieces = { orderId: 'ord_1', sku: 'MUG', pieces: 2 };
const recorded: Recorded = {
  orders: [order],
  attempts: [attempt],
  ledger: [money],
  lines: [pieces],
  reservations: [pieces],
  back: [],
  exceptions: [],
  unpublished: [],
};

const bank = (...payments: SimulatedPayment[]): BankState => ({ payments, refunds: [], disputes: [] });
const promisesOf = (payments: SimulatedPayment[], rows: Recorded): string[] =>
  findViolations(bank(...payments), rows, NOW_MS).map(({ promise }) => promise);

describe('the invariants of the demo', () => {
  it('hold when both sides agree', () => {
    expect(findViolations(bank(payment), recorded, NOW_MS)).toEqual([]);
  });

  it.each<[string, SimulatedPayment[], Partial<Recorded>, string[]]>([
    [
      'more taken than authorized',
      [{ ...payment, status: 'succeeded', amount_received: 150 }],
      { ledger: [{ ...money, captured: 150, authorized: 150 }], orders: [{ ...order, paymentState: 'captured' }] },
      ['captured', 'order'],
    ],
    [
      'more booked than authorized',
      [payment],
      { attempts: [{ ...attempt, captured: 60, released: 60 }] },
      ['captured'],
    ],
    [
      'a hold without an order',
      [payment],
      { orders: [], lines: [], reservations: [], attempts: [{ ...attempt, tombstoned: true }] },
      ['hold'],
    ],
    ['a hold for an order that is done', [payment], { orders: [{ ...order, state: 'cancelled' }] }, ['hold']],
    [
      'two holds for one order',
      [payment, { ...payment, id: 'pi_2' }],
      { ledger: [money, { ...money, paymentIntentId: 'pi_2' }] },
      ['hold', 'order'],
    ],
    [
      'an order whose hold is gone',
      [{ ...payment, status: 'canceled', amount_capturable: 0 }],
      { ledger: [{ ...money, released: 100 }] },
      ['order'],
    ],
    [
      'goods sent that nobody paid for',
      [{ ...payment, status: 'canceled', amount_capturable: 0 }],
      { ledger: [{ ...money, released: 100 }], orders: [{ ...order, state: 'shipped' }] },
      ['order'],
    ],
    ['stock that is promised to nobody', [payment], { lines: [] }, ['stock']],
    ['lines that nothing is promised for', [payment], { reservations: [] }, ['stock']],
    ['a ledger that knows less than the bank', [payment], { ledger: [] }, ['ledger']],
    [
      'a ledger that knows more than the bank',
      [payment],
      { ledger: [{ ...money, captured: 40 }] },
      ['ledger', 'ledger'],
    ],
    ['a payment that only the ledger knows', [], {}, ['order', 'ledger']],
    ['an order that waits for nobody', [payment], { orders: [{ ...order, waitingOn: undefined }] }, ['owner']],
    ['an order that is overdue', [payment], { orders: [{ ...order, waitingUntilMs: NOW_MS - 1 }] }, ['owner']],
    ['an event that was not published', [payment], { unpublished: ['ord_1'] }, ['owner']],
    [
      'an attempt that was left in the middle',
      [],
      {
        orders: [],
        ledger: [],
        lines: [],
        reservations: [],
        attempts: [{ ...attempt, status: 'begun', authorized: 0 }],
      },
      ['owner'],
    ],
  ])('report %s', (_name, payments, changes, expected) => {
    expect(promisesOf(payments, { ...recorded, ...changes })).toEqual(expected);
  });

  it('leave a difference that an open exception describes to its owner', () => {
    const late = { ...recorded, orders: [{ ...order, waitingUntilMs: NOW_MS - 1 }], lines: [] };
    const owned = (...kinds: ExceptionKind[]): string[] =>
      promisesOf([payment], { ...late, exceptions: kinds.map((kind) => ({ orderId: 'ord_1', kind })) });
    expect(owned()).toEqual(['stock', 'owner']);
    expect(owned('shipment_overdue')).toEqual(['stock']);
    expect(owned('release_failed')).toEqual(['owner']);
    expect(owned('shipment_overdue', 'release_failed')).toEqual([]);
    expect(owned('fraud_warning', 'refund_failed')).toEqual(['stock', 'owner']);
  });
});

describe('the promises about refunds and disputes', () => {
  const paid = { ...payment, status: 'succeeded', amount_received: 100 };
  const refund = { id: 're_1', payment_intent: 'pi_1', amount: 40, status: 'succeeded' };
  const dispute = {
    id: 'dp_1',
    payment_intent: 'pi_1',
    status: 'needs_response',
    balance_transactions: [{ amount: -100 }],
  };
  const entry = { paymentIntentId: 'pi_1', captured: 100, refundPending: 0, refunded: 0, outside: 0, disputed: 0 };
  const look = (state: Partial<BankState>, changes: Partial<typeof entry> = {}): string[] =>
    afterSaleViolations({ ...bank(paid), ...state }, { ...recorded, back: [{ ...entry, ...changes }] }).map(
      (one) => one.promise,
    );

  it.each<[string, Partial<BankState>, Partial<typeof entry>, string[]]>([
    ['nothing went back', {}, {}, []],
    ['a refund that both sides have', { refunds: [refund] }, { refunded: 40 }, []],
    ['one that is pending', { refunds: [{ ...refund, status: 'pending' }] }, { refundPending: 40 }, []],
    ['one that failed', { refunds: [{ ...refund, status: 'failed' }] }, {}, []],
    ['one that only the bank has', { refunds: [refund] }, {}, ['back']],
    ['one that only the ledger has', {}, { refunded: 40 }, ['back']],
    [
      'one that failed, and our ledger does not know',
      { refunds: [{ ...refund, status: 'failed' }] },
      { refunded: 40 },
      ['back'],
    ],
    ['more than was taken', { refunds: [{ ...refund, amount: 101 }] }, { refunded: 101 }, ['back', 'back']],
    ['a transfer beside refunds, in all too much', { refunds: [refund] }, { refunded: 40, outside: 70 }, ['back']],
    ['a dispute that both sides have', { disputes: [dispute] }, { disputed: 100 }, []],
    ['money that the bank took unheard', { disputes: [dispute] }, {}, ['dispute']],
    [
      'a refund under way while it is disputed',
      { disputes: [dispute], refunds: [{ ...refund, status: 'pending' }] },
      { disputed: 100, refundPending: 40 },
      ['dispute'],
    ],
  ])('see %s', (_name, state, changes, expected) => {
    expect(look(state, changes)).toEqual(expected);
  });
});

describe('the rows of Postgres', () => {
  it('are those of the run alone, and show what happened without the orders’ knowledge', async () => {
    const world = await createWorld({ withoutRelays: true });
    try {
      const run = uniqueName('run');
      const answer = await world.holdfast.checkout(sampleCart({ cartId: `${run}-1` }));
      if (answer.state !== 'placed') throw new Error(`not placed: ${JSON.stringify(answer)}`);
      await world.holdfast.checkout(sampleCart());
      const { orderId } = answer;
      const payments = world.simulator.state
        .paymentIntents()
        .filter((one) => one.metadata['holdfast_order_id'] === orderId) as unknown as SimulatedPayment[];
      const { pool } = world.dependencies;
      const look = async () => findViolations(bank(...payments), await readRecorded(pool, run), Date.now());
      expect((await readRecorded(pool, run)).orders).toHaveLength(1);
      // Without relays neither OrderPlaced nor OrderAllocated is published.
      const unpublished = { promise: 'owner', what: `an event of ${orderId} was not published` };
      expect(await look()).toEqual([unpublished, unpublished]);
      await pool.query('UPDATE outbox SET published_at = now()');
      expect(await look()).toEqual([]);
      await pool.query('UPDATE reservations SET released = 1 WHERE order_id = $1', [orderId]);
      expect(await look()).toMatchObject([{ promise: 'stock' }]);
      await world.dependencies.stripe.paymentIntents.capture(payments[0]?.id ?? '', { amount_to_capture: 100 });
      expect((await look()).map(({ promise }) => promise)).toEqual(['order', 'stock', 'ledger', 'ledger']);
    } finally {
      await world.close();
      await closeConnections();
    }
  });
});
