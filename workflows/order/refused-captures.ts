import { formatMoney } from '../domain/shared/money';
import { WHOLE_ORDER } from '../domain/shared/operation-keys';
import type { RefusalDetails } from '../domain/shared/errors';
import type { RefusalCause } from '../domain/order/shipping-rules';
import type { OrderContext } from './context';
import type { CapturePaymentInput } from '../payment/ports';

/*
 * The provider refuses a capture while the hold stands: nothing was taken. The caller hears so, a person gets a case, and
 * other parcels and the cancel go on.
 */

/** Opens the case; answers what the command is refused with. */
export async function refuseCapture(
  order: OrderContext,
  input: CapturePaymentInput,
  { code, message }: RefusalDetails,
): Promise<RefusalCause> {
  const { currency } = order.facts;
  const money = { amount: input.amount, currency };
  const what = input.shipment === undefined ? 'the whole order' : `parcel ${input.shipment.trackingNumber}`;
  order.refusedCaptures.add(subject(input));
  const said = `Stripe did not take ${formatMoney(money)} for ${what} (${code}): ${message}.`;
  const next = 'Ship it again once that is settled, ship it in other parcels, or cancel it.';
  await order.report(
    'capture_refused',
    `${said} Nothing was taken, and ${input.paymentIntentId} is still held. ${next}`,
    'payments',
    money,
  );
  return { reason: 'payment_refused', message: `${said} Nothing was taken or shipped. ${next} A person was notified.` };
}

/** A capture went through: once that is so for all that was refused, its case is over. */
export async function endRefusal(order: OrderContext, input: CapturePaymentInput): Promise<void> {
  const wasRefused = order.refusedCaptures.delete(subject(input));
  if (wasRefused && order.refusedCaptures.size === 0) await order.resolve('capture_refused');
}

function subject({ shipment }: CapturePaymentInput): string {
  return shipment?.shipmentId ?? WHOLE_ORDER;
}
