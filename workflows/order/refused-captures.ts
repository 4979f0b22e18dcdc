import { formatMoney, type Money } from '../domain/shared/money';
import type { LineQuantity } from '../domain/order/lines';
import { isRaised, remainingLines, type OrderFacts } from '../domain/order/order';
import { owedAmount, owedFor } from '../domain/order/owed';
import type { RefusalDetails } from '../domain/shared/errors';
import type { RefusalCause } from '../domain/order/shipping-rules';
import type { OrderLifecycle } from './lifecycle';
import type { RefusedCapture } from './messages';
import type { CapturePaymentInput, ShipmentRecord } from '../payment/ports';

/*
 * The provider refuses a capture while the hold is open: nothing was captured. The caller gets the reason, a person gets a case,
 * and other parcels and the cancel go on. The case always lists what is still refused now.
 */

/** Opens the case, or adds to the open one; answers what the command is refused with. */
export async function refuseCapture(
  life: OrderLifecycle,
  input: CapturePaymentInput,
  { code, message }: RefusalDetails,
): Promise<RefusalCause> {
  const { paymentIntentId, shipment, amount } = input;
  const refused = { ...(shipment && { parcel: shipment }), paymentIntentId, code, message };
  const others = life.refusedCaptures.filter((one) => one.parcel?.shipmentId !== shipment?.shipmentId);
  life.refusedCaptures = [...others, refused];
  await report(life);
  const money = { amount, currency: life.facts.currency };
  const text = describe(life.facts, [refused], money);
  return { reason: 'payment_refused', message: `${text} Nothing was shipped. A person was notified.` };
}

/** A parcel, or where none is named the whole order, was captured: its pieces are no longer refused. */
export async function endRefusal(life: OrderLifecycle, shipment: ShipmentRecord | undefined): Promise<void> {
  const before = life.refusedCaptures;
  if (before.length === 0) return;
  const left = shipment === undefined ? [] : stillRefused(life.facts, before, shipment);
  life.refusedCaptures = left;
  if (left.length === 0) await life.exceptions.resolve('capture_refused');
  else if (isRaised(life.facts, 'capture_refused')) await report(life);
}

function report(life: OrderLifecycle): Promise<void> {
  const { facts, refusedCaptures } = life;
  const isWhole = refusedCaptures.some((one) => one.parcel === undefined);
  const amount = isWhole ? owedAmount(facts) : owedFor(facts, refusedLines(facts, refusedCaptures));
  const money = { amount, currency: facts.currency };
  return life.exceptions.report('capture_refused', describe(facts, refusedCaptures, money), 'payments', money, true);
}

/** Pieces are alike: those that left count for the parcel of their own number first, then for the others in their order. */
function stillRefused(
  facts: OrderFacts,
  before: readonly RefusedCapture[],
  { shipmentId, lines }: ShipmentRecord,
): RefusedCapture[] {
  const own = before.filter((one) => one.parcel?.shipmentId === shipmentId);
  const others = before.filter((one) => one.parcel?.shipmentId !== shipmentId);
  let gone = lines;
  for (const { parcel } of own) gone = less(gone, parcel?.lines ?? []);
  const left = others.map((one) => {
    if (one.parcel === undefined) return one;
    const open = less(one.parcel.lines, gone);
    gone = less(gone, one.parcel.lines);
    return { ...one, parcel: { ...one.parcel, lines: open } };
  });
  return left.filter((one) =>
    one.parcel === undefined ? owedAmount(facts) > 0 : refusedLines(facts, [one]).length > 0,
  );
}

function less(lines: readonly LineQuantity[], minus: readonly LineQuantity[]): LineQuantity[] {
  const quantityOf = (sku: string): number => minus.find((one) => one.sku === sku)?.quantity ?? 0;
  return lines
    .map(({ sku, quantity }) => ({ sku, quantity: quantity - quantityOf(sku) }))
    .filter((line) => line.quantity > 0);
}

/** The pieces of refused parcels that are left to ship. The same pieces may have been tried under several numbers. */
function refusedLines(facts: OrderFacts, refused: readonly RefusedCapture[]): LineQuantity[] {
  const lines = refused.flatMap((one) => one.parcel?.lines ?? []);
  return remainingLines(facts)
    .map(({ sku, quantity }) => {
      const inParcels = lines.reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0);
      return { sku, quantity: Math.min(quantity, inParcels) };
    })
    .filter((line) => line.quantity > 0);
}

/** So many parcels are named; a message stays readable. */
const MAX_NAMED = 10;

function describe(facts: OrderFacts, refused: readonly RefusedCapture[], money: Money): string {
  const last = refused.at(-1);
  if (last === undefined) return '';
  const named = refused.slice(-MAX_NAMED).map((one) => `${subjectOf(facts, one)} (${one.code})`);
  const more = refused.length > MAX_NAMED ? ` and ${refused.length - MAX_NAMED} more` : '';
  const what = `${formatMoney(money)} for ${named.join(', ')}${more}`;
  const next = nextStep(facts, refused);
  if (last.code === 'resource_missing')
    return `Stripe does not know ${last.paymentIntentId}, from which it was to take ${what}. Nothing of that was taken. Check that the secret key is of the account and mode that made it; then ${next}`;
  const held = facts.hold === undefined ? '' : `, and ${facts.hold.paymentIntentId} is still held`;
  return `Stripe did not take ${what}: ${last.message}. Nothing of that was taken${held}. Once it is settled, ${next}`;
}

function subjectOf({ shipments }: OrderFacts, { parcel }: RefusedCapture): string {
  if (parcel !== undefined) return `parcel ${parcel.trackingNumber}`;
  return shipments.length === 0 ? 'the whole order' : 'what is left of the order';
}

function nextStep(facts: OrderFacts, refused: readonly RefusedCapture[]): string {
  if (refused.every((one) => one.parcel !== undefined))
    return 'ship it again, also in other parcels, or cancel what has not shipped.';
  if (isRaised(facts, 'hold_decision', 'hold_cancelled', 'hold_stopped'))
    return 'decide on the hold again, ship parcels, which take their own money, or cancel what has not shipped.';
  return 'dismiss this case, and the money is asked for again; or ship parcels, which take their own money, or cancel what has not shipped.';
}
