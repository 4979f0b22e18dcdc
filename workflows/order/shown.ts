import { formatMoney } from '../domain/shared/money';
import { heldNow, remainingLines, type OrderFacts } from '../domain/order/order';
import { isTerminal } from '../domain/order/state';
import { waitingFor } from '../domain/shared/waiting';
import { exceptionLine, searchAttributes, waitingLine, type Shown } from '../kit/search-attributes';

/** What the Temporal UI shows of an order as it stands. */
export function shownOrder(facts: OrderFacts): Shown {
  const { orderId, state, paymentState, channel, exception, amounts, currency, hold } = facts;
  const waiting = waitingFor(facts);
  const money = (amount: number): string => formatMoney({ amount, currency });
  const open = remainingLines(facts).map((line) => `${line.quantity} × ${line.sku}`);
  return {
    waiting,
    exceptionKind: exception?.kind,
    attributes: [
      { key: searchAttributes.orderState, value: state },
      { key: searchAttributes.paymentState, value: paymentState },
      // A command that starts the order anew does not know it.
      { key: searchAttributes.channel, value: channel },
    ],
    details: [
      `**Order ${orderId}** is **${state}**, its payment **${paymentState}**.`,
      waitingLine(waiting),
      exceptionLine(exception),
      `Held now ${money(heldNow(amounts))}, captured ${money(amounts.captured)}, released ${money(amounts.released)}.`,
      hold === undefined
        ? 'No card hold is open.'
        : `Card hold ${hold.paymentIntentId} must be captured before ${hold.captureBefore}.`,
      open.length === 0 || isTerminal(state) ? '' : `To ship: ${open.join(', ')}.`,
    ],
  };
}
