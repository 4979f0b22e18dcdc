import { failureTypes } from '../../workflows/domain/shared/errors';
import { paymentChanged } from '../../workflows/payment/messages';
import { workflowIds } from '../../workflows/kit/names';
import { uniqueName } from '../support/environment';
import { eventually } from '../support/time/eventually';
import { expectAccepted, expectRefused, HOLD_ACTED_ON_MS, MINUTE_MS } from './stage';
import type { Path, Stage, Target } from './stage';

/** An unsettled step is tried again within this. */
const SETTLED_MS = 11 * MINUTE_MS;

/** Large enough that five of them make the server suggest to continue as new; the recorder takes them out again. */
const PADDING = 'x'.repeat(900_000);

/** An order that continues as new, and the run that it was before. */
async function continueAnew(stage: Stage): Promise<{ orderId: string; before: string }> {
  const orderId = await stage.place();
  const handle = stage.world.client.workflow.getHandle(workflowIds.order(orderId));
  const before = (await handle.describe()).runId;
  // A plain signal does not wake an order that sleeps.
  expectRefused(await stage.holdfast.deliver(orderId), 'nothing_shipped');
  const paymentIntentId = stage.intents(orderId)[0]?.id ?? '';
  for (let sent = 0; sent < 5; sent += 1) {
    await handle.signal(paymentChanged, { paymentIntentId, padding: PADDING } as { paymentIntentId: string });
  }
  await eventually('the order to continue as new', async () => (await handle.describe()).runId !== before);
  return { orderId, before };
}

/** Every way an order ends, and every detour on the way. */
export const orderPaths: readonly Path[] = [
  {
    name: 'order-one-shipment',
    play: async (stage) => stage.shipAndDeliver(await stage.place()),
  },
  {
    name: 'order-two-shipments-with-remainder',
    async play(stage) {
      const orderId = await stage.place();
      expectAccepted(await stage.holdfast.ship(orderId, stage.mugs(1)));
      await stage.until(orderId, () => stage.intents(orderId).length === 2);
      expectAccepted(await stage.holdfast.ship(orderId, stage.mugs(1)));
      return stage.shipAndDeliver(orderId, stage.teapot());
    },
  },
  {
    name: 'order-multicapture',
    simulator: { multicapture: true },
    async play(stage) {
      const orderId = await stage.place();
      expectAccepted(await stage.holdfast.ship(orderId, stage.mugs(2)));
      return stage.shipAndDeliver(orderId, stage.teapot());
    },
  },
  {
    name: 'order-captured-when-placed',
    async play(stage) {
      const orderId = await stage.place({ captureOn: 'order' });
      await stage.until(orderId, (view) => view.paymentState === 'captured');
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-cancelled',
    async play(stage) {
      const orderId = await stage.place();
      expectAccepted(await stage.holdfast.cancel(orderId, { reason: 'customer_changed_mind' }));
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-partly-cancelled',
    async play(stage) {
      const orderId = await stage.place();
      expectAccepted(await stage.holdfast.ship(orderId, stage.mugs(2)));
      await stage.until(orderId, () => stage.intents(orderId).length === 2);
      expectAccepted(await stage.holdfast.cancel(orderId, { reason: 'out_of_teapots' }));
      return stage.deliver(orderId);
    },
  },
  {
    name: 'order-cancelled-in-temporal',
    async play(stage) {
      const orderId = await stage.place();
      await stage.world.client.workflow.getHandle(workflowIds.order(orderId)).cancel();
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-unknown',
    async play(stage) {
      const orderId = uniqueName('ord');
      expectRefused(await stage.holdfast.ship(orderId, stage.mugs(1)), 'unknown_order');
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-capture-unsettled-then-settled',
    faults: [{ activity: 'capturePayment', when: 'after', type: failureTypes.unknownOutcome }],
    async play(stage) {
      const orderId = await stage.place();
      expectRefused(await stage.holdfast.ship(orderId, stage.everything()), 'outcome_unknown');
      await stage.forwardOrder(orderId, SETTLED_MS);
      return stage.deliver(orderId);
    },
  },
  {
    name: 'order-cancel-unsettled-then-settled',
    faults: [{ activity: 'voidPayments', when: 'after', type: failureTypes.unknownOutcome }],
    async play(stage) {
      const orderId = await stage.place();
      expectRefused(await stage.holdfast.cancel(orderId, { reason: 'changed_mind' }), 'outcome_unknown');
      await stage.forwardOrder(orderId, SETTLED_MS);
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-cancel-refused-then-settled',
    faults: [{ activity: 'voidPayments', when: 'before', type: failureTypes.refused }],
    async play(stage) {
      const orderId = await stage.place();
      expectRefused(await stage.holdfast.cancel(orderId, { reason: 'changed_mind' }), 'needs_person');
      await stage.forwardOrder(orderId, SETTLED_MS);
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-capture-refused-then-cancelled',
    async play(stage) {
      const orderId = await stage.place();
      const action = { kind: 'refusal', code: 'charge_disputed' } as const;
      stage.world.simulator.faults.add({
        match: { method: 'POST', pathPattern: '/capture$' },
        action,
        times: Infinity,
      });
      expectRefused(await stage.holdfast.ship(orderId, stage.everything()), 'payment_refused');
      expectAccepted(await stage.holdfast.cancel(orderId, { reason: 'not_captured' }));
      return stage.end(workflowIds.order(orderId));
    },
  },
  {
    name: 'order-old-hold-let-go-later',
    faults: [{ activity: 'voidPayments', when: 'before' }],
    async play(stage) {
      const orderId = await stage.place();
      await stage.forwardOrder(orderId, HOLD_ACTED_ON_MS + SETTLED_MS);
      await stage.until(orderId, (view) => view.paymentState === 'authorized' && view.exception === undefined);
      return stage.shipAndDeliver(orderId);
    },
  },
  {
    name: 'order-continues-as-new',
    async play(stage) {
      const { orderId, before } = await continueAnew(stage);
      await stage.shipAndDeliver(orderId);
      return { workflowId: workflowIds.order(orderId), runId: before };
    },
  },
  {
    name: 'order-continued',
    async play(stage): Promise<Target> {
      const { orderId } = await continueAnew(stage);
      return stage.shipAndDeliver(orderId);
    },
  },
];
