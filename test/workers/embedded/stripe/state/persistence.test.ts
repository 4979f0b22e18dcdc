import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StripeSimulator, StripeSimulatorOptions } from '../../../../../workers/embedded/stripe/server';
import { chargeOf, HOLD, stripeError } from '../support';
import { later, stateFileForTests, type Started } from '../state-file';

const DAY_MS = 86_400_000;
const saved = stateFileForTests();
const { open, openAsAfterKill } = saved;
const servers: http.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function reopen({ simulator }: Started, options: StripeSimulatorOptions = {}): Promise<Started> {
  await simulator.stop();
  return open(options);
}

/** An endpoint that tells the types of the events it was sent; with `status` other than 200 it takes none. */
async function receiver(status = 200): Promise<{ url: string; types: string[] }> {
  const types: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      types.push((JSON.parse(Buffer.concat(chunks).toString('utf8')) as { type: string }).type);
      response.writeHead(status).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, types };
}

/** Everything that is kept, for comparison. */
function kept({ state }: StripeSimulator): object {
  const answers = state.idempotencyEntries().map(({ replays: _replays, ...entry }) => entry);
  return JSON.parse(
    JSON.stringify([
      state.customers(),
      state.paymentMethods(),
      state.paymentIntents(),
      state.charges(),
      state.events(),
      answers,
    ]),
  ) as object;
}

/** One of each change that the API knows. */
async function useEverything({ simulator, stripe }: Started): Promise<void> {
  const customer = await stripe.customers.create({ email: 'ä@example.com' }, { idempotencyKey: 'customer' });
  await stripe.customers.update(customer.id, { name: 'Sample', metadata: { a: '1' } });
  const saved = await stripe.paymentMethods.attach('pm_card_mastercard', { customer: customer.id });
  const gone = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
  await stripe.paymentMethods.detach(gone.id);
  const loose = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  const draft = await stripe.paymentIntents.create({ amount: 900, currency: 'eur', payment_method: loose.id });
  await stripe.paymentIntents.update(draft.id, { amount: 1000, metadata: { updated: 'yes' } });
  const held = await stripe.paymentIntents.create({ ...HOLD, customer: customer.id, payment_method: saved.id });
  await stripe.paymentIntents.capture(held.id, { amount_to_capture: 4000 }, { idempotencyKey: 'capture' });
  await stripe.paymentIntents.cancel((await stripe.paymentIntents.create(HOLD)).id);
  await stripeError(stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_chargeDeclined' }));
  const asked = await stripe.paymentIntents.create({ ...HOLD, payment_method: 'pm_card_authenticationRequired' });
  simulator.completeAuthentication(asked.id, 'succeed');
  const expiring = await stripe.paymentIntents.create({ ...HOLD, metadata: { simulator_hold_seconds: '60' } });
  simulator.clock.advanceBy(61_000);
  expect(simulator.state.paymentIntents().at(-1)).toMatchObject({ id: expiring.id, status: 'canceled' });
  // Its answer comes after the timer's changes were written as well.
  await stripe.paymentIntents.create(HOLD, { idempotencyKey: 'last' });
}

describe('an account with a state file', () => {
  it.each(['stopped', 'killed'] as const)('is the same after it was %s', async (end) => {
    const first = await open();
    await useEverything(first);
    const before = kept(first.simulator);
    const second = end === 'stopped' ? await reopen(first) : await openAsAfterKill();
    expect(kept(second.simulator)).toEqual(before);
  });

  it('captures a hold of an earlier start, lists it and replays what it answered', async () => {
    const first = await open();
    const customer = await first.stripe.customers.create();
    const params = { ...HOLD, customer: customer.id };
    const held = await first.stripe.paymentIntents.create(params, { idempotencyKey: 'k1' });
    const { simulator, stripe } = await reopen(first);
    const again = await stripe.paymentIntents.create(params, { idempotencyKey: 'k1' });
    expect(again.id).toBe(held.id);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await stripeError(stripe.paymentIntents.create(HOLD, { idempotencyKey: 'k1' }))).toMatchObject({
      type: 'StripeIdempotencyError',
    });
    expect(simulator.clock.pendingTimers).toBe(1);
    expect((await stripe.paymentIntents.capture(held.id)).status).toBe('succeeded');
    expect(simulator.clock.pendingTimers).toBe(0);
    expect((await stripe.paymentIntents.list({ customer: customer.id })).data).toMatchObject([{ id: held.id }]);
    expect((await stripe.charges.list({ payment_intent: held.id })).data).toMatchObject([{ captured: true }]);
    const third = await reopen({ simulator, stripe });
    expect((await third.stripe.paymentIntents.retrieve(held.id)).status).toBe('succeeded');
  });

  it('never gives an id twice, not even one that only a killed process knew', async () => {
    const ids: string[] = [];
    const first = await open();
    ids.push((await first.stripe.customers.create()).id);
    const killed = await openAsAfterKill();
    // The file of the second start knows nothing of these.
    for (let index = 0; index < 20; index += 1) ids.push((await first.stripe.customers.create()).id);
    for (let index = 0; index < 20; index += 1) ids.push((await killed.stripe.customers.create()).id);
    expect(new Set(ids).size).toBe(41);
  });

  it('keeps the moved clock, the issuer’s decisions and the holds’ lengths', async () => {
    const first = await open();
    const customer = await first.stripe.customers.create();
    first.simulator.clock.advanceBy(3 * DAY_MS);
    first.simulator.issueDecision(customer.id, 'insufficient_funds', { scope: 'all' });
    first.simulator.setNextHoldDuration(60_000, { metadata: { order: 'a' } });
    const { simulator, stripe } = await reopen(first);
    expect(simulator.clock.now()).toBeGreaterThanOrEqual(Date.now() + 3 * DAY_MS - 1000);
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(await stripeError(stripe.paymentIntents.create({ ...HOLD, customer: customer.id }))).toMatchObject({
        decline_code: 'insufficient_funds',
      });
    const held = await stripe.paymentIntents.create({ ...HOLD, metadata: { order: 'a' }, expand: ['latest_charge'] });
    const charge = chargeOf(held);
    expect((charge.payment_method_details?.card?.capture_before ?? 0) - charge.created).toBe(60);
  });

  it('sends the customer to its present address for 3-D Secure', async () => {
    const first = await open();
    const params = { ...HOLD, payment_method: 'pm_card_authenticationRequired', return_url: 'https://shop.example/' };
    const asked = await first.stripe.paymentIntents.create(params);
    const { simulator, stripe } = await openAsAfterKill();
    const action = (await stripe.paymentIntents.retrieve(asked.id)).next_action?.redirect_to_url;
    expect(action?.url).toContain(`${simulator.url}/_simulator/authenticate/${asked.id}`);
    expect(action?.return_url).toBe('https://shop.example/');
  });

  it('keeps no more events and answers than its limits', async () => {
    const first = await open();
    for (let index = 0; index < 30; index += 1)
      await first.stripe.customers.create({}, { idempotencyKey: `key-${index}` });
    const { simulator } = await reopen(first, { limits: { events: 10, idempotencyEntries: 10 } });
    expect(simulator.state.events().length).toBeLessThanOrEqual(10);
    expect(simulator.state.idempotencyEntries().map(({ key }) => key)).toEqual(
      Array.from({ length: 10 }, (_, index) => `key-${20 + index}`),
    );
    expect(simulator.state.customers()).toHaveLength(30);
  });
});

describe('what happens while it is down', () => {
  it('expires holds at their own time and notifies the endpoint once it is set again', async () => {
    const first = await open();
    const hook = await receiver();
    first.simulator.setWebhookEndpoint(hook.url);
    const held = await first.stripe.paymentIntents.create({ ...HOLD, expand: ['latest_charge'] });
    const captureBefore = chargeOf(held).payment_method_details?.card?.capture_before ?? 0;
    await first.simulator.flush();
    hook.types.length = 0;
    await first.simulator.stop();
    later(8 * DAY_MS);
    const { simulator, stripe } = await open();
    expect(await stripe.paymentIntents.retrieve(held.id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'expired',
      canceled_at: captureBefore,
    });
    expect(simulator.state.events().slice(-2)).toMatchObject([
      { type: 'charge.expired', created: captureBefore, delivery: 'pending' },
      { type: 'payment_intent.canceled', created: captureBefore, delivery: 'pending' },
    ]);
    await simulator.flush();
    expect(hook.types).toEqual([]);
    simulator.setWebhookEndpoint(hook.url);
    await simulator.flush();
    expect(hook.types.sort()).toEqual(['charge.expired', 'payment_intent.canceled']);
  });

  it.each(['refused', 'held'] as const)('delivers webhooks that were %s before', async (how) => {
    const first = await open();
    const deaf = await receiver(500);
    first.simulator.setWebhookEndpoint(deaf.url);
    first.simulator.setWebhookFaults({ hold: how === 'held' });
    await first.stripe.customers.create();
    await first.simulator.flush();
    expect(deaf.types).toHaveLength(how === 'held' ? 0 : 6);
    const { simulator } = await reopen(first);
    const hook = await receiver();
    simulator.setWebhookEndpoint(hook.url);
    await simulator.flush();
    expect(hook.types).toEqual(['customer.created']);
    const third = await reopen({ simulator, stripe: first.stripe });
    third.simulator.setWebhookEndpoint(hook.url);
    await third.simulator.flush();
    expect(hook.types).toHaveLength(1);
    expect(third.simulator.state.events()).toMatchObject([{ delivery: 'delivered' }]);
  });
});

describe('a file that cannot be read', () => {
  const failure = async (): Promise<string> =>
    open().then(
      () => 'none',
      (error: unknown) => String(error),
    );

  beforeEach(async () => {
    const { simulator, stripe } = await open();
    for (let index = 0; index < 3; index += 1) await stripe.customers.create();
    await simulator.stop();
  });

  it.each([
    ['garbage in a line', (text: string) => text.replace('"customer.created"', 'customer'), 'is damaged in line 2'],
    ['an unknown kind', (text: string) => text.replace('["customer",', '["costumer",'), 'is damaged in line 2'],
    ['another format', () => 'PK\u0003\u0004 something else\n', 'is damaged in line 1'],
    ['another format without lines', () => '{"customers":[]}', 'is damaged in line 1'],
    ['another version', (text: string) => text.replace('"version":1', '"version":2'), 'is of version 2'],
  ])('is refused with its name and the way out: %s', async (_what, damage, message) => {
    const damaged = damage(readFileSync(saved.stateFile, 'utf8'));
    writeFileSync(saved.stateFile, damaged);
    expect(await failure()).toContain(`${saved.stateFile} ${message}`);
    expect(await failure()).toContain('--fresh');
    expect(readFileSync(saved.stateFile, 'utf8')).toBe(damaged);
  });

  it('is not a file whose last line was cut short', async () => {
    appendFileSync(saved.stateFile, '[["customer",{"id":"cus_half');
    const first = await open();
    expect(first.simulator.state.customers()).toHaveLength(3);
    await first.stripe.customers.create();
    expect((await reopen(first)).simulator.state.customers()).toHaveLength(4);
  });

  it.each(['', '{"format":"hold'])('is not a file that was just begun: %j', async (text) => {
    writeFileSync(saved.stateFile, text);
    const first = await open();
    await first.stripe.customers.create();
    expect((await reopen(first)).simulator.state.customers()).toHaveLength(1);
  });
});
