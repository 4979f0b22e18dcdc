import type { CheckoutRequest } from '../../../clients/client';
import type { OrderPolicy } from '../../../workflows/domain/shared/policy';
import type { Fault } from '../plan';
import type { Play } from './play';
import { heal } from './settle';

const HOUR_MS = 3_600_000;

/** One step; all cases of a story make it together, so that their clocks stay near each other. */
export type Step = (play: Play) => Promise<void>;

/** What happens to one cart. */
export interface Story {
  readonly name: string;
  readonly cart: Partial<CheckoutRequest>;
  /** Faults that belong to the story itself, so that the way out of them has boundaries too. */
  readonly faults: readonly Fault[];
  readonly policy: Partial<OrderPolicy>;
  readonly steps: readonly Step[];
}

const lines = [
  { sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 },
  { sku: 'TEAPOT-1L', quantity: 1, unitAmount: 3900 },
];
const cart = { lines, taxAmount: 1000 };

const checkout: Step = async (play) => {
  await play.checkout();
  await play.quiet(play.workflowIds.checkout);
  if (play.placed) await orderQuiet(play);
};

/** The relay starts the order's workflow a moment after the record. */
async function orderQuiet(play: Play): Promise<void> {
  await play.orderStarted();
  await play.quiet(play.workflowIds.order);
}

/** A step that has nothing to do where nothing was bought. */
const ofOrder =
  (step: Step): Step =>
  async (play) => {
    if (!play.placed) return;
    await step(play);
    await play.quiet(play.workflowIds.order);
  };

const ship = (trackingNumber: string, shipped: { sku: string; quantity: number }[]): Step =>
  ofOrder((play) =>
    play.ship({ lines: shipped, carrier: 'dhl', trackingNumber: `${trackingNumber}-${play.cart.cartId}` }),
  );
const shipFirst = ship('one', [{ sku: 'MUG-BLUE', quantity: 1 }]);
const shipRest = ship('two', [
  { sku: 'MUG-BLUE', quantity: 1 },
  { sku: 'TEAPOT-1L', quantity: 1 },
]);
const shipAll = ship(
  'all',
  lines.map(({ sku, quantity }) => ({ sku, quantity })),
);
const deliver = ofOrder((play) => play.deliver());
const cancel = ofOrder((play) => play.cancel());

/** To a time before (or after) the end of the hold that the order has now. */
const toHoldEnd = (offsetMs: number): Step =>
  ofOrder(async (play) => {
    const view = await play.world.dependencies.queries.getOrder(play.orderId);
    const endMs = Date.parse(view?.captureBefore ?? '');
    if (!Number.isNaN(endMs)) await play.forwardOrderTo(endMs + offsetMs);
  });
const toDeadline: Step = ofOrder((play) => play.forward(play.workflowIds.order, 160_000));

/** From now on the bank refuses what is charged without the customer. */
const refuseRenewals = ofOrder((play) => {
  const intent = play.intents()[0];
  play.world.simulator.issueDecision(String(intent?.customer), 'insufficient_funds');
  return Promise.resolve();
});

const lastOne = {
  lines: [{ sku: 'LAST-ONE', quantity: 1, unitAmount: 9900 }],
  paymentMethod: 'pm_card_authenticationRequired',
};

/** So many pieces of it are free from now on, for all cases. */
const stock = (pieces: number): Step => {
  const text = "UPDATE stock SET on_hand = reserved + $1 WHERE sku = 'LAST-ONE'";
  return async (play) => void (await play.world.dependencies.pool.query(text, [pieces]));
};

const authenticate: Step = async (play) => {
  for (const { id, status } of play.intents()) {
    if (status === 'requires_action') play.world.simulator.completeAuthentication(id, 'succeed');
  }
  await play.quiet(play.workflowIds.checkout);
  // Where the webhook's look at the payment fails, the next look by the clock finds it.
  await play.forward(play.workflowIds.checkout, 60_000);
  await play.quiet(play.workflowIds.checkout);
};

/** The money is held when the stock turns out to be gone: before that, the bank would not have been asked. */
const soldDuring3ds: Step[] = [stock(1), checkout, stock(0), authenticate];

/** A quarter of an hour behind the point at which a hold is acted on (12 h before its end). */
const PAST_MARGIN_MS = -11.75 * HOUR_MS;

const story = (
  name: string,
  steps: Step[],
  changes: Partial<Pick<Story, 'cart' | 'faults' | 'policy'>> = {},
): Story => ({
  name,
  cart,
  faults: [],
  policy: {},
  steps,
  ...changes,
});

export const stories = {
  parcels: story('two parcels', [checkout, shipFirst, shipRest, deliver]),
  cancel: story('cancelled', [checkout, cancel]),
  outOfStock: story('out of stock', soldDuring3ds, { cart: lastOne }),
  soldBefore: story('sold before', [stock(0), checkout], { cart: { ...lastOne, paymentMethod: 'pm_card_visa' } }),
  renewal: story('hold renewed', [checkout, toHoldEnd(PAST_MARGIN_MS), shipAll]),
  refused: story(
    'renewal refused',
    [checkout, refuseRenewals, toHoldEnd(-30_000), toHoldEnd(30_000), toDeadline],
    // The clocks of all cases pass the old hold's end and the customer's deadline soon after each other.
    { policy: { holdMarginMs: 60_000, paymentDeadlineMs: 150_000 } },
  ),
  unrecorded: story('record fails', [checkout], {
    faults: [{ activity: 'placeOrder', occurrence: 1, mode: 'lost-before' }],
  }),
  unheard: story('record unheard', [checkout, cancel], {
    faults: [{ activity: 'placeOrder', occurrence: 1, mode: 'lost-after' }],
  }),
  partly: story('cancelled in part', [checkout, shipFirst, cancel, deliver]),
  firstTryFails: story('first try fails', [checkout, shipAll], {
    faults: [
      { activity: 'authorizePayment', occurrence: 1, mode: 'fail-after' },
      { activity: 'capturePayment', occurrence: 1, mode: 'fail-before' },
    ],
  }),
  voidFails: story('void fails', [...soldDuring3ds, heal], {
    cart: lastOne,
    faults: [{ activity: 'voidPayments', occurrence: 1, mode: 'lost-before' }],
  }),
  captureFails: story('capture fails', [checkout, shipAll], {
    faults: [{ activity: 'capturePayment', occurrence: 1, mode: 'lost-before' }],
  }),
  captureLost: story('capture unheard', [checkout, shipAll, deliver], {
    faults: [{ activity: 'capturePayment', occurrence: 1, mode: 'lost-after' }],
  }),
} as const satisfies Record<string, Story>;
