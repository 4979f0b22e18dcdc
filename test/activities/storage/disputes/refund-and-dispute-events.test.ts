import { createDisputeStore, createFraudWarningStore, createOutbox } from '../../../../activities/storage';
import { afterSaleEventData } from '../../../../clients/events/after-sale-events';
import { orderEventSchema, type OrderEvent } from '../../../../clients/client';
import type { DisputeMovement, DisputeSnapshot } from '../../../../workflows/domain/dispute/dispute';
import {
  CANCELED_BY_PERSON,
  DEFAULT_REFUND_POLICY,
  type RefundFacts,
} from '../../../../workflows/domain/refund/refund';
import { disputeSnapshot } from './snapshots';
import { after, mugs, NOW, openRefundShop, teapot, TOTAL, type RefundShop } from '../refunds/shop';
import { intentOf } from '../shop';

type MoneyBackType = keyof typeof afterSaleEventData;

const HOUR_MS = 3_600_000;
const at = (hours: number): string => after(hours * HOUR_MS);

let shop: RefundShop;
let disputes: ReturnType<typeof createDisputeStore>;
let warnings: ReturnType<typeof createFraudWarningStore>;
beforeAll(async () => {
  shop = await openRefundShop();
  const { pool, keyring } = shop;
  disputes = createDisputeStore({ pool, keyring });
  warnings = createFraudWarningStore({ pool });
});
afterAll(() => shop.close());

/** A refund that the provider took and that came back. */
async function failed(orderId: string, amount: number): Promise<RefundFacts> {
  const { refund } = await shop.send(await shop.begin({ orderId, amount }));
  return (await shop.tell(refund, { status: 'failed', failureReason: 'declined' })).refund;
}

const captureOfAll = (orderId: string) =>
  ({ orderId, paymentIntentId: intentOf(orderId, 1), amount: TOTAL, final: true }) as const;

/** One that waits for a capture of unknown outcome. */
async function waiting(orderId: string): Promise<string> {
  await shop.place(orderId);
  await shop.payments.beginCapture(captureOfAll(orderId));
  const asked = await shop.ask({ orderId, amount: 500 });
  if (asked.outcome !== 'capture_unsettled') throw new Error(`it does not wait: ${JSON.stringify(asked)}`);
  return asked.refund.refundId;
}

function resolve(
  { refundId }: RefundFacts,
  action: 'another_refund' | 'manual_transfer' | 'dismiss',
  reference?: string,
) {
  const resolution = { action, actor: 'op-1', at: at(1), ...(reference !== undefined && { reference }) };
  return shop.refunds.resolveRefund({ refundId, resolution });
}

const snapshot = (orderId: string, changes: Partial<DisputeSnapshot> = {}): DisputeSnapshot =>
  disputeSnapshot(orderId, at, { amount: TOTAL, ...changes });

const moved = (direction: 'withdrawn' | 'reinstated', fee: number): DisputeMovement => ({
  balanceTransactionId: `txn_${direction}`,
  direction,
  amount: TOTAL,
  fee,
  feeCurrency: 'usd',
  at: at(1),
});
const taken = moved('withdrawn', 1_500);

/** Every way in which storage emits events of refunds and disputes; each has its own order. */
const stories: readonly (readonly [string, (orderId: string) => Promise<unknown>])[] = [
  [
    'pieces are given back, and the bank returns the money after it had succeeded',
    async (orderId) => {
      await shop.shipped(orderId);
      const { refund } = await shop.send(await shop.begin({ orderId, lines: mugs(1) }));
      await shop.tell(refund, { status: 'succeeded' });
      await shop.tell(refund, { status: 'failed', failureReason: 'lost_or_stolen_card' });
    },
  ],
  [
    'refunds that fail: settled by a transfer, by another one, and not at all',
    async (orderId) => {
      await shop.shipped(orderId);
      await resolve(await failed(orderId, 100), 'manual_transfer', 'SEPA-1');
      await resolve(await failed(orderId, 200), 'another_refund', 'rf_other');
      await resolve(await failed(orderId, 300), 'dismiss');
      const unsent = await shop.begin({ orderId, amount: 400 });
      const refused = { refundId: unsent.refundId, part: 1, now: NOW, watchMs: HOUR_MS, reason: 'charge_disputed' };
      await shop.refunds.recordRefusal(refused);
    },
  ],
  [
    'canceled at the provider, and withdrawn before it was sent',
    async (orderId) => {
      await shop.shipped(orderId);
      const { refund } = await shop.send(await shop.begin({ orderId, lines: teapot }));
      await shop.tell(refund, { status: 'canceled' });
      const { refundId } = await shop.begin({ orderId, amount: 100 });
      await shop.refunds.withdrawRefund({ refundId, now: NOW, reason: CANCELED_BY_PERSON, actor: 'op-1' });
    },
  ],
  [
    'given up while it waited for a capture: by a person, by its limit',
    async (orderId) => {
      const reasons = [CANCELED_BY_PERSON, 'capture_unknown'];
      for (const [index, reason] of reasons.entries()) {
        const refundId = await waiting(`${orderId}-${index}`);
        await shop.refunds.withdrawRefund({ refundId, now: at(24), reason, actor: 'op-1' });
        await shop.capture(captureOfAll(`${orderId}-${index}`));
      }
    },
  ],
  [
    'made at the provider without us, in time and too late',
    async (orderId) => {
      await shop.shipped(orderId);
      const made = { paymentIntentId: intentOf(orderId, 1), amount: 700, currency: 'eur', createdAt: NOW } as const;
      const known = { ...made, providerRefundId: `re_${orderId}`, status: 'pending' } as const;
      await shop.refunds.recordElsewhere(known, NOW, DEFAULT_REFUND_POLICY);
      const over = { ...made, providerRefundId: `re_${orderId}_over`, status: 'failed', amount: TOTAL } as const;
      await shop.refunds.recordElsewhere(over, NOW, DEFAULT_REFUND_POLICY);
    },
  ],
  [
    'an inquiry that the bank makes a dispute of, answered twice and won',
    async (orderId) => {
      await shop.shipped(orderId);
      const { dueBy: _unknown, ...asked } = snapshot(orderId, { providerStatus: 'warning_needs_response' });
      await disputes.record(asked, at(0));
      const decision = { disputeId: asked.disputeId, action: 'submit', now: at(1) } as const;
      await disputes.decideDispute({ ...decision, round: 1, actor: 'op-1' });
      const sent = { providerStatus: 'warning_under_review', submissionCount: 1, fetchedAt: at(1) };
      await disputes.record({ ...asked, ...sent }, at(1));
      const disputed = { submissionCount: 1, movements: [taken], fetchedAt: at(2) };
      await disputes.record(snapshot(orderId, disputed), at(2));
      await disputes.decideDispute({ ...decision, round: 2, actor: 'holdfast', now: at(238) });
      const answered = { ...disputed, submissionCount: 2 };
      await disputes.record(
        snapshot(orderId, { ...answered, providerStatus: 'under_review', fetchedAt: at(238) }),
        at(238),
      );
      const movements = [taken, moved('reinstated', -1_500)];
      await disputes.record(
        snapshot(orderId, { ...answered, providerStatus: 'won', movements, fetchedAt: at(300) }),
        at(300),
      );
    },
  ],
  [
    'a dispute that was answered elsewhere and is lost when it is first heard of',
    async (orderId) => {
      await shop.shipped(orderId);
      await disputes.record(
        snapshot(orderId, { providerStatus: 'lost', submissionCount: 1, movements: [taken] }),
        at(2),
      );
    },
  ],
  [
    'a fraud warning that something can be done about, and one that comes too late',
    async (orderId) => {
      for (const actionable of [true, false]) {
        await shop.shipped(`${orderId}-${actionable}`);
        const told = {
          warningId: `issfr_${orderId}_${actionable}`,
          paymentIntentId: intentOf(`${orderId}-${actionable}`, 1),
          chargeId: 'ch_1',
          fraudType: 'made_with_lost_card',
          actionable,
          receivedAt: NOW,
          isDisputed: false,
          isRefunded: false,
        };
        await warnings.record(told, { now: NOW, limitMs: HOUR_MS });
      }
    },
  ],
];

/** Values that few fields have to choose from. A field that takes any text is none of those. */
const CHOICES: readonly unknown[] = [undefined, null, true, false, 'withdrawn', 'reinstated'];

/** What was seen in the fields of all events of one type. */
function valuesOf(events: readonly OrderEvent[], type: MoneyBackType): ReadonlyMap<string, ReadonlySet<unknown>> {
  const data = events.filter((one) => one.type === type).map((one): object => one.data);
  const fields = [...new Set(data.flatMap((one) => Object.keys(one)))];
  const seen = (field: string) => new Set(data.map((one): unknown => one[field as keyof typeof one]));
  return new Map(fields.map((field) => [field, seen(field)]));
}

test('every event of money that goes back is what its published schema says, nothing more and nothing less', async () => {
  for (const [index, [, tell]] of stories.entries()) await tell(`back-${index}`);
  const outbox = createOutbox({ pool: shop.pool });
  // Through JSON, as a consumer gets it. The schema removes unknown fields, so they would be missing here.
  const events = JSON.parse(JSON.stringify(await outbox.claimUnpublished(1_000, 1_000))) as unknown[];
  const parsed = events.map((one) => orderEventSchema.parse(one));
  expect(parsed).toEqual(events);
  const isMoneyBack = (type: string): type is MoneyBackType => Object.hasOwn(afterSaleEventData, type);
  const types = new Set(parsed.map((one) => one.type).filter(isMoneyBack));
  expect([...types].sort()).toEqual(Object.keys(afterSaleEventData).sort());
  for (const type of types) {
    const values = valuesOf(parsed, type);
    const shape = Object.entries(afterSaleEventData[type].shape);
    // No field of a schema is one that is never written; what may be absent, null or either of two was seen to be so.
    expect([type, [...values.keys()].sort()]).toEqual([type, shape.map(([field]) => field).sort()]);
    for (const [field, schema] of shape) {
      const mayBe = CHOICES.filter((one) => schema.safeParse(one).success && !schema.safeParse('another').success);
      expect([type, field, [...(values.get(field) ?? [])]]).toEqual([type, field, expect.arrayContaining(mayBe)]);
    }
  }
  expect(await shop.violations()).toEqual([]);
});
