import { workflowIds } from '../../workflows/kit/names';
import { Breaking } from '../support/breaking';
import { sampleCart } from '../support/carts';
import { eventually } from '../support/time/eventually';
import { everything, mugs, parcel, shopForThisFile } from '../support/shop';

const breaking = new Breaking();
const { world, shop } = shopForThisFile({ interceptors: breaking.interceptors });

const open = () => world().dependencies.queries.listExceptions();

async function openOf(workflowId: string, kind: string) {
  let found: Awaited<ReturnType<typeof open>>[number] | undefined;
  await eventually(`${kind} to be open`, async () => {
    found = (await open()).find((one) => one.workflowId === workflowId && one.kind === kind);
    return found !== undefined;
  });
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

const isClosed = (workflowId: string, kind?: string) =>
  eventually('its exceptions to be closed', async () => {
    const its = (await open()).filter((one) => one.workflowId === workflowId);
    return !its.some((one) => kind === undefined || one.kind === kind);
  });

async function decisionsOn(kind: string): Promise<unknown[]> {
  const text = `SELECT actor, after FROM audit_log WHERE action = 'decide exception' AND after ->> 'exception' = $1`;
  return (await world().dependencies.pool.query(text, [kind])).rows as unknown[];
}

describe('a defect in a command', () => {
  it('becomes an exception with an owner, which the next successful command closes', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await shop.paid(orderId);
    breaking.break('recordShipment');
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject({
      accepted: false,
      reason: 'needs_person',
    });
    expect(await openOf(workflowIds.order(orderId), 'step_failed')).toMatchObject({ owner: 'operations', orderId });
    breaking.mend('recordShipment');
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject({ accepted: true, state: 'shipped' });
    await isClosed(workflowIds.order(orderId));
  });

  it('can be dismissed by a person, whose name is recorded', async () => {
    const orderId = await shop.place({ captureOn: 'order' });
    await shop.paid(orderId);
    breaking.break('recordShipment');
    await world().holdfast.ship(orderId, everything());
    breaking.mend('recordShipment');
    const workflowId = workflowIds.order(orderId);
    const command = { kind: 'step_failed', action: 'dismiss', actor: 'person-1', note: 'known' } as const;
    expect(await world().holdfast.resolveException(workflowId, { ...command, action: 'give_up' })).toMatchObject({
      accepted: false,
      reason: 'action_not_possible',
    });
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await isClosed(workflowId);
    expect(await decisionsOn('step_failed')).toMatchObject([
      { actor: 'person-1', after: { action: 'dismiss', note: 'known' } },
    ]);
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({
      reason: 'nothing_to_resolve',
    });
  });

  it('becomes an exception with an owner when the order runs the step by itself, and the next success closes it', async () => {
    breaking.break('capturePayment');
    const orderId = await shop.place({ captureOn: 'order' });
    const { workflowId } = await openOf(workflowIds.order(orderId), 'capture_unknown');
    breaking.mend('capturePayment');
    const command = { kind: 'capture_unknown', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toEqual({ accepted: true, action: 'retry' });
    await isClosed(workflowId);
    expect((await shop.view(orderId)).paymentState).toBe('captured');
  });
});

/** What the database refuses from now on: parcels, as a constraint that nobody thought of would. */
async function refuseParcels(): Promise<void> {
  const { pool } = world().dependencies;
  await pool.query(`CREATE FUNCTION refuse_parcel() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no parcels' USING ERRCODE = 'check_violation', CONSTRAINT = 'of_the_test'; END $$`);
  await pool.query('CREATE TRIGGER of_the_test BEFORE INSERT ON shipments EXECUTE FUNCTION refuse_parcel()');
}

async function takeParcels(): Promise<void> {
  await world().dependencies.pool.query('DROP FUNCTION refuse_parcel CASCADE');
}

describe('money that was captured for a parcel that cannot be recorded', () => {
  async function unrecorded(orderId: string, command: ReturnType<typeof mugs>, amount: number) {
    await refuseParcels();
    try {
      expect(await world().holdfast.ship(orderId, command)).toMatchObject({ accepted: false, reason: 'needs_person' });
    } finally {
      await takeParcels();
    }
    expect((await shop.view(orderId)).amounts).toMatchObject({ captured: amount });
    return openOf(workflowIds.order(orderId), 'external_capture');
  }

  it('is recorded, has an owner, and pays for the shipment when it is sent again', async () => {
    const orderId = await shop.place();
    const command = everything();
    const raised = await unrecorded(orderId, command, 7970);
    expect(raised).toMatchObject({ amountAtRisk: 7970, currency: 'eur' });
    expect(raised.message).toContain('of_the_test');
    expect(raised.message).toContain('79.70 EUR of pi_');
    expect(await world().holdfast.ship(orderId, command)).toMatchObject({ accepted: true, state: 'shipped' });
    expect((await shop.view(orderId)).amounts.captured).toBe(7970);
    expect(shop.intentsOf(orderId)).toMatchObject([{ amount_received: 7970 }]);
    // The money has found what it is for.
    await isClosed(raised.workflowId);
  });

  it('counts against what a corrected shipment of the same parcel costs', async () => {
    const orderId = await shop.place();
    const command = mugs(1);
    const { workflowId } = await unrecorded(orderId, command, 1290 + 490 + 199);
    const corrected = { ...command, lines: [{ sku: 'MUG-BLUE', quantity: 2 }] };
    expect(await world().holdfast.ship(orderId, corrected)).toMatchObject({ accepted: true });
    expect((await shop.view(orderId)).amounts.captured).toBe(2580 + 490 + 398);
    expect(await world().holdfast.cancel(orderId, { reason: 'enough' })).toMatchObject({ accepted: true });
    await isClosed(workflowId);
  });
});

describe('a capture whose outcome is not known', () => {
  it('can be given up, and a corrected shipment is accepted', async () => {
    const orderId = await shop.place();
    breaking.break('capturePayment');
    const command = mugs(1);
    expect(await world().holdfast.ship(orderId, command)).toMatchObject({ reason: 'outcome_unknown' });
    const { workflowId } = await openOf(workflowIds.order(orderId), 'capture_unknown');
    const giveUp = { kind: 'capture_unknown', action: 'give_up', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, giveUp)).toMatchObject({ accepted: true });
    await isClosed(workflowId);
    breaking.mend('capturePayment');
    const corrected = { ...command, lines: [{ sku: 'MUG-BLUE', quantity: 2 }] };
    expect(await world().holdfast.ship(orderId, corrected)).toMatchObject({
      accepted: true,
      capturedAmount: 2580 + 490 + 398,
    });
  });

  it('is resolved by the next command before that command runs', async () => {
    const orderId = await shop.place();
    breaking.break('capturePayment');
    await world().holdfast.ship(orderId, mugs(1));
    breaking.mend('capturePayment');
    const teapot = parcel([{ sku: 'TEAPOT-1L', quantity: 1 }]);
    expect(await world().holdfast.ship(orderId, teapot)).toMatchObject({ accepted: true });
    await isClosed(workflowIds.order(orderId));
    expect((await shop.view(orderId)).shipments).toHaveLength(2);
  });
});

describe('a defect in a checkout', () => {
  async function failingIn(activity: string) {
    breaking.break(activity);
    const cart = sampleCart();
    const answer = await world().holdfast.checkout(cart);
    const workflowId = workflowIds.checkout(cart.cartId);
    await world().client.workflow.getHandle(workflowId).result();
    return { cart, answer, workflowId };
  }

  it.each([
    ['authorizePayment', 'payment_unavailable'],
    ['reserveStock', 'order_unavailable'],
    ['placeOrder', 'order_unavailable'],
  ])('in %s is undone and becomes one exception with an owner; a person closes it', async (activity, code) => {
    const { cart, answer, workflowId } = await failingIn(activity);
    expect(answer).toMatchObject({ state: 'failed', code });
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'failed', code });
    await world().client.workflow.getHandle(workflowId).result();
    breaking.mend(activity);
    const raised = (await open()).filter((one) => one.workflowId === workflowId);
    expect(raised).toMatchObject([{ kind: 'step_failed', owner: 'operations', amountAtRisk: 3640, currency: 'eur' }]);
    expect(raised[0]?.message).toContain('a mistake of the test');
    expect(shop.intentsOf(String(raised[0]?.orderId)).filter(({ status }) => status !== 'canceled')).toEqual([]);
    const command = { kind: 'step_failed', action: 'dismiss', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toBe('not_running');
    expect(await world().dependencies.queries.dismissException({ workflowId, ...command })).toBe(true);
    await isClosed(workflowId);
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'placed' });
  });

  it('that is gone does not spoil an immediate retry: the retry starts anew and never gets the old answer', async () => {
    for (const idempotencyKey of ['key-1', undefined, 'key-2', undefined, 'key-3']) {
      const cart = sampleCart();
      const call = idempotencyKey === undefined ? {} : { idempotencyKey };
      breaking.break('authorizePayment');
      expect(await world().holdfast.checkout(cart, call)).toMatchObject({ code: 'payment_unavailable' });
      breaking.mend('authorizePayment');
      const [placed, same] = await Promise.all([1, 2].map(() => world().holdfast.checkout(cart, call)));
      expect(placed).toMatchObject({ state: 'placed' });
      expect(same).toEqual(placed);
      const [raised] = (await open()).filter((one) => one.workflowId === workflowIds.checkout(cart.cartId));
      const command = { kind: 'step_failed', action: 'dismiss', actor: 'person-1' } as const;
      await world().dependencies.queries.dismissException({ workflowId: String(raised?.workflowId), ...command });
    }
  });

  it('that a look at the provider repairs costs no order and opens no exception', async () => {
    breaking.break('authorizePayment', true);
    const cart = sampleCart();
    expect(await world().holdfast.checkout(cart)).toMatchObject({ state: 'placed' });
    breaking.mend('authorizePayment');
    const workflowId = workflowIds.checkout(cart.cartId);
    expect((await open()).filter((one) => one.workflowId === workflowId)).toEqual([]);
  });
});

describe('an undo of a checkout that fails', () => {
  async function failed(afterItsEffect: boolean) {
    breaking.break('placeOrder');
    breaking.break('voidPayments', afterItsEffect);
    const cart = sampleCart();
    await world().holdfast.checkout(cart);
    breaking.mend('placeOrder');
    return openOf(workflowIds.checkout(cart.cartId), 'void_failed');
  }

  it('is tried again at once when a person asks for it', async () => {
    const { workflowId, orderId } = await failed(false);
    breaking.mend('voidPayments');
    const command = { kind: 'void_failed', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await world().client.workflow.getHandle(workflowId).result();
    // What made the checkout fail stays a person's.
    await isClosed(workflowId, 'void_failed');
    expect(shop.intentsOf(String(orderId))).toMatchObject([{ status: 'canceled' }]);
  });

  it('does not block the other undo steps', async () => {
    breaking.break('placeOrder');
    breaking.break('releaseStock');
    const cart = sampleCart();
    await world().holdfast.checkout(cart);
    breaking.mend('placeOrder');
    const { workflowId, orderId } = await openOf(workflowIds.checkout(cart.cartId), 'release_failed');
    await eventually('the money to be released', () =>
      shop.intentsOf(String(orderId)).every((one) => one.status === 'canceled'),
    );
    breaking.mend('releaseStock');
    const command = { kind: 'release_failed', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await world().client.workflow.getHandle(workflowId).result();
    // What made the checkout fail stays a person's.
    await isClosed(workflowId, 'release_failed');
  });

  it('is not done while Stripe does not know the hold, and is done once it does', async () => {
    const faults = world().simulator.faults;
    const match = { pathPattern: '/payment_intents/pi_[^/]+(/cancel)?$' };
    const action = { kind: 'refusal', code: 'resource_missing', param: 'intent' } as const;
    const fault = faults.add({ match, action, times: Infinity });
    breaking.break('placeOrder');
    const cart = sampleCart();
    await world().holdfast.checkout(cart);
    breaking.mend('placeOrder');
    const { workflowId, orderId } = await openOf(workflowIds.checkout(cart.cartId), 'void_failed');
    const command = { kind: 'void_failed', action: 'retry', actor: 'person-1' } as const;
    faults.clear(fault);
    expect(shop.intentsOf(String(orderId))).toMatchObject([{ status: 'requires_capture' }]);
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await world().client.workflow.getHandle(workflowId).result();
    await isClosed(workflowId, 'void_failed');
    expect(shop.intentsOf(String(orderId))).toMatchObject([{ status: 'canceled' }]);
  });

  it('ends when a person has resolved it by hand', async () => {
    // The hold is released; only the step itself never says so.
    const { workflowId } = await failed(true);
    const command = {
      kind: 'void_failed',
      action: 'dismiss',
      actor: 'person-1',
      note: 'released, as Stripe shows',
    } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await world().client.workflow.getHandle(workflowId).result();
    await isClosed(workflowId, 'void_failed');
    breaking.mend('voidPayments');
    // The workflow has ended: what it raised could only be dismissed in the record now.
    expect(await world().holdfast.resolveException(workflowId, command)).toBe('not_running');
  });
});

describe('an exception that cannot be recorded', () => {
  it('does not change the answer of the step, and is opened by the next attempt', async () => {
    const orderId = await shop.place();
    breaking.break('capturePayment');
    breaking.break('raiseException');
    const unknown = { accepted: false, reason: 'outcome_unknown' };
    expect(await world().holdfast.ship(orderId, everything())).toMatchObject(unknown);
    breaking.mend('raiseException');
    expect(await world().holdfast.ship(orderId, mugs(1))).toMatchObject(unknown);
    await openOf(workflowIds.order(orderId), 'capture_unknown');
    breaking.mend('capturePayment');
    expect(await world().holdfast.cancel(orderId, { reason: 'too late' })).toMatchObject({ accepted: false });
    await isClosed(workflowIds.order(orderId));
  });
});

describe('an order that cannot be loaded', () => {
  it('is loaded at once when a person asks for it', async () => {
    // Its money is taken at once, so it does not sleep before it is loaded.
    const cart = sampleCart({ captureOn: 'order' });
    breaking.break('allocateOrder');
    const answer = await world().holdfast.checkout(cart);
    const orderId = 'orderId' in answer ? answer.orderId : '';
    const { workflowId } = await openOf(workflowIds.order(orderId), 'order_unreadable');
    breaking.mend('allocateOrder');
    const command = { kind: 'order_unreadable', action: 'retry', actor: 'person-1' } as const;
    expect(await world().holdfast.resolveException(workflowId, command)).toMatchObject({ accepted: true });
    await isClosed(workflowId);
    expect(await world().holdfast.ship(orderId, mugs(2))).toMatchObject({ accepted: true });
  });
});
