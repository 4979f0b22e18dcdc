import type { Account } from '../state/account';
import { invalidParameter, noSuch, refused } from '../http/errors';
import { chargebackOf } from './dispute-states';
import { listPage } from '../http/lists';
import { mergeMetadata } from '../state/metadata';
import type { Charge } from '../state/model';
import type { Refund, StoredRefund } from './money-model';
import { refundCreate, refundList, refundUpdate } from './money-shapes';
import { consequencesOf } from '../bank/consequences';
import { ofPayment } from '../payments/payment-filter';
import { refunds, settleRefund, startRefund } from './refund-life';
import { route } from '../http/request';
import type { Parsed } from '../http/schema';
import { expand } from '../state/shapes';

type CreateParams = Parsed<typeof refundCreate>;

export const refundRoutes = [
  route('POST', '/v1/refunds', refundCreate, ({ account, params, cause }) => {
    assertCardRefund(params);
    const charge = refundableCharge(account, params);
    const amount = refundableAmount(account, charge, params.amount);
    const refund = newRefund(account, charge, amount, params);
    const outcome = account.refundDecisions.take(refund)?.outcome ?? consequencesOf(account, charge).refund;
    return startRefund(account, charge, refund, outcome ?? { kind: 'succeed' }, cause).object;
  }),
  route('GET', '/v1/refunds/:id', expand, ({ account, ids }) => find(account, ids).object),
  route('GET', '/v1/refunds', refundList, ({ account, params }) =>
    listPage(account.of(refunds), params, {
      url: '/v1/refunds',
      ...ofPayment(params, (refund: StoredRefund) => refund.object),
      created: ({ object }) => object.created,
      render: ({ object }) => object,
    }),
  ),
  route('POST', '/v1/refunds/:id', refundUpdate, ({ account, ids, params, cause }) => {
    const { object } = find(account, ids);
    object.metadata = mergeMetadata(object.metadata, params.metadata);
    account.log.emit('refund.updated', object, cause);
    account.log.emit('charge.refund.updated', object, cause);
    return object;
  }),
  route('POST', '/v1/refunds/:id/cancel', expand, ({ account, ids, cause }) => {
    const stored = waiting(account, ids, 'Canceling this refund is unsupported.');
    settleRefund(account, stored, 'canceled', undefined, cause);
    return stored.object;
  }),
  // Stripe's test mode offers this to simulate a customer who does not answer.
  route('POST', '/v1/test_helpers/refunds/:id/expire', expand, ({ account, ids, cause }) => {
    const stored = waiting(account, ids, 'Expiring this refund is unsupported.');
    settleRefund(account, stored, 'failed', undefined, cause);
    return stored.object;
  }),
];

function find(account: Account, [id = '']: readonly string[]): StoredRefund {
  const refund = account.of(refunds).get(id);
  if (refund === undefined) throw noSuch('refund', id, 'refund', 404);
  return refund;
}

/** Only a refund that waits for the customer can be canceled; a refund to a card cannot, once it is sent. */
function waiting(account: Account, ids: readonly string[], refusal: string): StoredRefund {
  const stored = find(account, ids);
  if (stored.object.status === 'requires_action') return stored;
  throw refused(refusal);
}

function assertCardRefund(params: CreateParams): void {
  for (const name of ['origin', 'customer', 'currency'] as const)
    if (params[name] !== undefined)
      throw invalidParameter(
        `\`${name}\` is for refunds from a customer's cash balance, and this account has none.`,
        name,
      );
}

function refundableCharge(account: Account, params: CreateParams): Charge {
  const { charge: chargeId, payment_intent: intentId } = params;
  if (chargeId === undefined && intentId === undefined) {
    const message = 'One of the following params should be provided for this request: payment_intent or charge.';
    throw invalidParameter(message, 'payment_intent', 'parameter_missing');
  }
  const charge = intentId === undefined ? undefined : chargeOfIntent(account, intentId);
  if (chargeId === undefined) return captured(charge, intentId ?? '');
  const named = account.charges.get(chargeId);
  if (named === undefined) throw noSuch('charge', chargeId, 'charge', 400);
  if (charge !== undefined && charge.id !== named.id)
    throw refused(`The charge ${named.id} does not belong to the PaymentIntent ${intentId}.`, { param: 'charge' });
  return captured(named, named.payment_intent);
}

function chargeOfIntent(account: Account, id: string): Charge | undefined {
  const intent = account.paymentIntents.get(id);
  if (intent === undefined) throw noSuch('payment_intent', id, 'payment_intent', 400);
  return account.charges.get(intent.object.latest_charge ?? '');
}

/** Only captured money can be refunded; a hold is voided by cancelling its PaymentIntent. */
function captured(charge: Charge | undefined, intentId: string): Charge {
  if (charge !== undefined && charge.amount_captured > 0) return charge;
  throw refused(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, {
    param: 'payment_intent',
  });
}

function refundableAmount(account: Account, charge: Charge, asked: number | undefined): number {
  if (chargebackOf(account, charge) !== undefined)
    throw refused(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: 'charge_disputed' });
  const left = charge.amount_captured - charge.amount_refunded;
  if (left <= 0) throw refused(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  const amount = asked ?? left;
  if (amount <= left) return amount;
  const { overRefundCode: code } = account.settings;
  const money = (value: number): string => inWords(value, charge.currency);
  throw refused(`Refund amount (${money(amount)}) is greater than unrefunded amount on charge (${money(left)})`, {
    param: 'amount',
    ...(code === undefined ? {} : { code }),
  });
}

function inWords(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

function newRefund(account: Account, charge: Charge, amount: number, params: CreateParams): Refund {
  return {
    id: account.newId('re'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: account.clock.nowSeconds(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    ...(params.instructions_email === undefined ? {} : { instructions_email: params.instructions_email }),
    metadata: mergeMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'pending',
    transfer_reversal: null,
  };
}
