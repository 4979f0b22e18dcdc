import { createDisputeStore, createOutbox } from '../../../../activities/storage';
import { orderEventSchema } from '../../../../clients/client';
import type { DisputeMovement, DisputeSnapshot } from '../../../../workflows/domain/dispute/dispute';
import type { OrderFacts } from '../../../../workflows/domain/order/order';
import { check, fc } from '../../../support/property';
import { disputeSnapshot, movementsOf } from './snapshots';
import { captureOf, intentOf, openShop, sku, type Shop } from '../shop';

const HOUR_MS = 3_600_000;
/** Now: whom an open dispute waits for must not be overdue by the database's clock. */
const START_MS = Date.now();

let shop: Shop;
let disputes: ReturnType<typeof createDisputeStore>;
let orders = 0;

beforeAll(async () => {
  shop = await openShop();
  disputes = createDisputeStore({ pool: shop.pool, keyring: shop.keyring });
});
afterEach(async () => expect(await shop.violations()).toEqual([]));
afterAll(() => shop.close());

const at = (hours: number): string => new Date(START_MS + hours * HOUR_MS).toISOString();
const AMOUNT = 7_303;

/** An order of which two mugs have shipped and a teapot has not. */
async function shipped(): Promise<OrderFacts> {
  orders += 1;
  const orderId = `dis-${orders}`;
  await shop.place(orderId);
  const facts = await shop.orders.allocateOrder({ orderId });
  return shop.capture(captureOf(facts, [{ sku: sku.mug, quantity: 2 }], `T${orders}`, false));
}

const snapshot = (orderId: string, changes: Partial<DisputeSnapshot> = {}) =>
  disputeSnapshot(orderId, at, { amount: AMOUNT, ...changes });

const { withdrawn, reinstated } = movementsOf(AMOUNT, at);
const bothWays = [withdrawn, reinstated];

const facts = (orderId: string): Promise<OrderFacts> => shop.orders.allocateOrder({ orderId });

async function eventsOf(orderId: string): Promise<string[]> {
  const rows = await shop.sql<{ type: string }>(
    `SELECT type FROM outbox WHERE order_id = $1 AND (type LIKE 'Dispute%' OR type LIKE 'Exception%') ORDER BY sequence`,
    [orderId],
  );
  return rows.map((row) => row.type);
}

async function noticesOf(orderId: string): Promise<{ kind: string; status: string }[]> {
  return shop.sql(
    `SELECT kind, status FROM notices WHERE order_id = $1 AND subject_type = 'dispute' ORDER BY due_at, kind`,
    [orderId],
  );
}

describe('a dispute', () => {
  it('is recorded with its money, its events, its notice and whom it waits for; repeated, nothing happens', async () => {
    const { orderId } = await shipped();
    const told = snapshot(orderId, { movements: [withdrawn] });
    const record = await disputes.record(told, at(1));
    expect(record).toMatchObject({ stage: 'evidence_due', round: 1, withdrawn: AMOUNT, feeAmount: 1_500, orderId });
    expect(record?.linesToShip).toEqual([{ sku: sku.teapot, quantity: 1 }]);
    expect(await disputes.record({ ...told, fetchedAt: at(2) }, at(2))).toEqual(record);
    expect(await disputes.loadDispute({ disputeId: told.disputeId })).toEqual(record);
    const order = await facts(orderId);
    expect(order.disputes).toMatchObject([{ disputeId: told.disputeId, stage: 'evidence_due', withdrawn: AMOUNT }]);
    expect(order.amounts.disputed).toBe(AMOUNT);
    expect(await eventsOf(orderId)).toEqual(['DisputeOpened', 'DisputeFundsMoved']);
    expect(await noticesOf(orderId)).toEqual([{ kind: 'dispute_opened', status: 'queued' }]);
    const [row] = await shop.sql('SELECT waiting_on, waiting_until FROM disputes WHERE dispute_id = $1', [
      told.disputeId,
    ]);
    expect(row).toEqual({ waiting_on: 'approver', waiting_until: new Date(at(240)) });
  });

  it('returns facts of the order as a fresh read has them', async () => {
    const { orderId } = await shipped();
    await disputes.record(snapshot(orderId, { movements: [withdrawn] }), at(1));
    const audit = await shop.sql<{ after: { disputes: unknown } }>(
      `SELECT after FROM audit_log WHERE order_id = $1 AND action = 'dispute evidence_due'`,
      [orderId],
    );
    expect(audit).toMatchObject([{ after: { disputes: [{ disputeId: `du_${orderId}`, stage: 'evidence_due' }] } }]);
  });

  it('of a payment that is none of ours is not recorded', async () => {
    expect(await disputes.record(snapshot('nobody'), at(1))).toBeUndefined();
  });

  it('first seen when it is closed has every event and only the last notice', async () => {
    const { orderId } = await shipped();
    const movements = [withdrawn, reinstated];
    const record = await disputes.record(
      snapshot(orderId, { providerStatus: 'won', submissionCount: 1, movements }),
      at(400),
    );
    expect(record).toMatchObject({ stage: 'won', withdrawn: 0, feeAmount: 0, closedAt: at(400), submittedAt: at(400) });
    expect(await eventsOf(orderId)).toEqual([
      'DisputeOpened',
      'DisputeFundsMoved',
      'DisputeFundsMoved',
      'DisputeEvidenceSubmitted',
      'DisputeClosed',
    ]);
    expect(await noticesOf(orderId)).toEqual([{ kind: 'dispute_closed', status: 'queued' }]);
  });

  it('is not overwritten by an answer to an earlier request', async () => {
    const { orderId } = await shipped();
    const won = await disputes.record(snapshot(orderId, { providerStatus: 'won', fetchedAt: at(9) }), at(9));
    expect(await disputes.record(snapshot(orderId, { fetchedAt: at(8) }), at(10))).toEqual(won);
  });

  it('that escalates from an inquiry is a new round with a deadline and warnings of its own', async () => {
    const { orderId } = await shipped();
    const inquiry = snapshot(orderId, { providerStatus: 'warning_needs_response' });
    expect(await disputes.record(inquiry, at(0))).toMatchObject({ isInquiry: true, round: 1 });
    const { disputeId } = inquiry;
    await disputes.warnOfDispute({ disputeId, now: at(170), warnedMs: [72 * HOUR_MS], notify: true });
    await disputes.decideDispute({ disputeId, now: at(171), round: 1, action: 'submit', actor: 'op-1' });
    const reviewed = { ...inquiry, providerStatus: 'warning_under_review', submissionCount: 1, fetchedAt: at(172) };
    expect(await disputes.record(reviewed, at(172))).toMatchObject({
      submittedAt: at(172),
      decision: { doneAt: at(172) },
    });
    const movements = [withdrawn];
    const escalated = { ...reviewed, providerStatus: 'needs_response', dueBy: at(600), fetchedAt: at(300), movements };
    const record = await disputes.record(escalated, at(300));
    expect(record).toMatchObject({
      isInquiry: false,
      round: 2,
      roundBeganAt: at(300),
      warnedMs: [],
      withdrawn: AMOUNT,
    });
    expect(record).not.toHaveProperty('decision');
    expect(record).not.toHaveProperty('submittedAt');
    expect((await eventsOf(orderId)).filter((type) => type === 'DisputeOpened')).toHaveLength(2);
    expect((await noticesOf(orderId)).map((one) => [one.kind, one.status])).toEqual([
      ['dispute_opened', 'queued'],
      ['dispute_evidence_due', 'canceled'],
      ['dispute_opened', 'queued'],
    ]);
  });

  it('that a lagging answer shows as waiting again after our submission is not answered twice', async () => {
    const { orderId } = await shipped();
    await disputes.record(snapshot(orderId), at(0));
    const sent = { providerStatus: 'under_review', submissionCount: 1 };
    await disputes.record(snapshot(orderId, { ...sent, fetchedAt: at(1) }), at(1));
    const lagging = snapshot(orderId, { submissionCount: 1, fetchedAt: at(2) });
    expect(await disputes.record(lagging, at(2))).toMatchObject({ round: 1, submittedAt: at(1) });
  });

  it('that was lost leaves the rest of the order to a person, until nothing is left to ship', async () => {
    const { orderId } = await shipped();
    await disputes.record(snapshot(orderId, { movements: [withdrawn] }), at(0));
    const lost = snapshot(orderId, { providerStatus: 'lost', movements: [withdrawn], fetchedAt: at(5) });
    expect(await disputes.record(lost, at(5))).toMatchObject({ exceptions: [{ kind: 'dispute_lost' }] });
    expect((await facts(orderId)).exception).toMatchObject({ kind: 'dispute_lost', owner: 'payments' });
    await shop.payments.recordVoid({ orderId, attempt: 1, paymentIntentId: intentOf(orderId, 1), reason: 'rest' });
    await shop.orders.cancelOrder({ orderId, reason: 'disputed', actor: 'op-1' });
    expect(await facts(orderId)).not.toHaveProperty('exception');
    expect(await eventsOf(orderId)).toEqual([
      'DisputeOpened',
      'DisputeFundsMoved',
      'DisputeClosed',
      'ExceptionRaised',
      'ExceptionResolved',
    ]);
  });

  it('in a status that is not known here is kept, shown and followed on', async () => {
    const { orderId } = await shipped();
    const record = await disputes.record(snapshot(orderId, { providerStatus: 'arbitration' }), at(0));
    expect(record).toMatchObject({ stage: 'under_review', providerStatus: 'arbitration' });
  });

  it('whose balance is in another currency moves the ledger in the order’s own', async () => {
    const { orderId } = await shipped();
    const movement = { ...withdrawn, fee: 1_700, feeCurrency: 'usd' };
    const record = await disputes.record(snapshot(orderId, { movements: [movement] }), at(0));
    expect(record).toMatchObject({ withdrawn: AMOUNT, currency: 'eur', feeAmount: 1_700, feeCurrency: 'usd' });
  });

  it('that is withdrawn, reinstated and withdrawn again is booked by what moved', async () => {
    const { orderId } = await shipped();
    const [more, back] = [AMOUNT + 1_000, AMOUNT + 500];
    const movements: DisputeMovement[] = [
      withdrawn,
      { ...withdrawn, balanceTransactionId: 'txn_2', amount: 1_000, at: at(1) },
      { ...reinstated, balanceTransactionId: 'txn_3', amount: back },
      { ...reinstated, balanceTransactionId: 'txn_4', amount: 2_000 },
      { ...withdrawn, balanceTransactionId: 'txn_5', amount: 700, at: at(400) },
    ];
    const booked: number[] = [];
    for (const count of [1, 2, 3, 4, 4, 5, 5]) {
      const look = snapshot(orderId, { amount: more, movements: movements.slice(0, count), fetchedAt: at(count) });
      booked.push((await disputes.record(look, at(count)))?.withdrawn ?? -1);
    }
    expect(booked).toEqual([AMOUNT, more, 500, 0, 0, 700, 700]);
    const seen = snapshot(orderId, { amount: more, movements, fetchedAt: at(9) });
    expect(await disputes.record(seen, at(9))).toMatchObject({ exceptions: [{ kind: 'dispute_unsettled' }] });
  });

  it('is booked the same where its movements are seen at once', async () => {
    const { orderId } = await shipped();
    const all = [withdrawn, { ...reinstated, amount: AMOUNT + 1_000 }, { ...withdrawn, balanceTransactionId: 'txn_3' }];
    const look = snapshot(orderId, { movements: all });
    expect(await disputes.record(look, at(0))).toMatchObject({ withdrawn: AMOUNT });
  });

  it('of a balance in another currency moves the whole amount, however it changes', async () => {
    const { orderId } = await shipped();
    const out = { ...withdrawn, feeCurrency: 'usd', isConverted: true };
    const back = { ...reinstated, feeCurrency: 'usd', isConverted: true, amount: AMOUNT - 1_000 };
    await disputes.record(snapshot(orderId, { movements: [out] }), at(0));
    const won = { providerStatus: 'won', amount: AMOUNT - 1_000, movements: [out, back], fetchedAt: at(2) };
    expect(await disputes.record(snapshot(orderId, won), at(2))).toMatchObject({ withdrawn: 0, exceptions: [] });
  });
});

describe('a decision', () => {
  it('is written down before it is sent, once a round; the texts are encrypted', async () => {
    const { orderId } = await shipped();
    const { disputeId } = snapshot(orderId);
    await disputes.record(snapshot(orderId), at(0));
    await disputes.warnOfDispute({ disputeId, now: at(170), warnedMs: [72 * HOUR_MS], notify: true });
    const input = { disputeId, now: at(171), round: 1, action: 'submit', actor: 'op-1' } as const;
    const texts = { note: 'spoke with the buyer', uncategorizedText: 'The buyer signed for it.' };
    const decided = await disputes.decideDispute({ ...input, ...texts });
    expect(decided).toMatchObject({ decision: { action: 'submit', actor: 'op-1', attempt: 1 }, exceptions: [] });
    expect(await disputes.decideDispute({ ...input, action: 'accept', actor: 'op-2' })).toEqual(decided);
    const [row] = await shop.sql<{ evidence: Buffer }>('SELECT evidence FROM disputes WHERE dispute_id = $1', [
      disputeId,
    ]);
    expect(row?.evidence.toString('latin1')).not.toContain('buyer');
    expect(await disputes.evidenceSource(disputeId)).toMatchObject({ uncategorizedText: texts.uncategorizedText });
    expect(await noticesOf(orderId)).toContainEqual({ kind: 'dispute_evidence_due', status: 'canceled' });
  });

  it('of another round hits nothing', async () => {
    const { orderId } = await shipped();
    const { disputeId } = snapshot(orderId);
    await disputes.record(snapshot(orderId), at(0));
    const late = { disputeId, now: at(1), round: 2, action: 'accept', actor: 'op-1' } as const;
    expect(await disputes.decideDispute(late)).not.toHaveProperty('decision');
  });

  it('that the provider refused opens an exception and may be repeated', async () => {
    const { orderId } = await shipped();
    const { disputeId } = snapshot(orderId);
    await disputes.record(snapshot(orderId), at(0));
    const input = { disputeId, now: at(1), round: 1, action: 'submit', actor: 'op-1' } as const;
    await disputes.decideDispute(input);
    const refused = await disputes.recordRefusal({
      disputeId,
      attempt: 1,
      code: 'dispute_evidence_past_due',
      now: at(2),
    });
    expect(refused).toMatchObject({
      decision: { refused: 'dispute_evidence_past_due' },
      exceptions: [{ kind: 'dispute_unsettled' }],
    });
    expect(await disputes.recordRefusal({ disputeId, attempt: 1, code: 'other', now: at(3) })).toEqual(refused);
    const again = await disputes.decideDispute({ ...input, action: 'accept', now: at(4) });
    expect(again).toMatchObject({ decision: { action: 'accept', attempt: 2 }, exceptions: [] });
    const lost = snapshot(orderId, { providerStatus: 'lost', fetchedAt: at(5) });
    expect(await disputes.record(lost, at(5))).toMatchObject({ stage: 'lost', decision: { doneAt: at(5) } });
  });
});

describe('evidence', () => {
  it('is made of the order, its customer, its parcels and what was said; kept under a seal it does not change', async () => {
    const { orderId } = await shipped();
    const { disputeId } = snapshot(orderId);
    await disputes.record(snapshot(orderId), at(0));
    expect(await disputes.evidenceSource(disputeId)).toMatchObject({
      chargeId: `ch_${orderId}`,
      customer: { email: 'buyer@example.org', name: 'Sample Buyer', shippingAddress: { city: 'Berlin' } },
      order: { orderId, shipments: [{ carrier: 'dhl' }] },
      productNames: { [sku.mug]: expect.any(String) as string },
    });
    const keep = { disputeId, now: at(1) };
    expect(await disputes.keepEvidence({ ...keep, fields: { customer_name: 'A' } })).toEqual({ customer_name: 'A' });
    const sealed = await disputes.keepEvidence({ ...keep, fields: { customer_name: 'B' }, sealFor: 'submit:1' });
    expect(sealed).toEqual({ customer_name: 'B' });
    expect(await disputes.keepEvidence({ ...keep, fields: { customer_name: 'C' }, sealFor: 'submit:1' })).toEqual(
      sealed,
    );
    expect(await disputes.loadDispute({ disputeId })).toMatchObject({ evidenceCollectedAt: at(1) });
  });
});

/** The life of a dispute as levels: what a look at any time of it shows. */
const life = (orderId: string): DisputeSnapshot[] => [
  snapshot(orderId, { providerStatus: 'warning_needs_response', fetchedAt: at(1) }),
  snapshot(orderId, { providerStatus: 'warning_under_review', submissionCount: 1, fetchedAt: at(2) }),
  snapshot(orderId, { submissionCount: 1, movements: [withdrawn], fetchedAt: at(3) }),
  snapshot(orderId, { providerStatus: 'under_review', submissionCount: 2, movements: [withdrawn], fetchedAt: at(4) }),
  snapshot(orderId, { providerStatus: 'won', submissionCount: 2, movements: [withdrawn], fetchedAt: at(5) }),
  snapshot(orderId, { providerStatus: 'won', submissionCount: 2, movements: bothWays, fetchedAt: at(6) }),
];

it('comes to the same end for any looks, in any order and number of their answers', async () => {
  const looks = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 });
  const same = fc.asyncProperty(looks, async (order) => {
    const { orderId } = await shipped();
    const levels = life(orderId);
    for (const index of [...order, 5]) await disputes.record(levels[index] as DisputeSnapshot, at(10));
    const record = await disputes.loadDispute({ disputeId: `du_${orderId}` });
    expect(record).toMatchObject({ stage: 'won', withdrawn: 0, feeAmount: 0, exceptions: [] });
    expect((await facts(orderId)).amounts.disputed ?? 0).toBe(0);
    const closings = (await eventsOf(orderId)).filter((type) => type === 'DisputeClosed');
    expect(closings).toHaveLength(1);
    expect(await shop.violations()).toEqual([]);
  });
  await check('looks at a dispute', same, { numRuns: 25 });
});

it('emits an event for every step, as its schema defines it', async () => {
  const outbox = createOutbox({ pool: shop.pool });
  const events = JSON.parse(JSON.stringify(await outbox.claimUnpublished(5_000, 1_000))) as { type: string }[];
  const disputed = events.filter((one) => one.type.startsWith('Dispute'));
  expect(disputed.map((one) => orderEventSchema.parse(one))).toEqual(disputed);
  expect(new Set(disputed.map((one) => one.type)).size).toBe(4);
});
