import type { Account } from '../state/account';
import { confirm, prepareConfirmation } from '../payments/intent-confirm';
import { CLOCK_CAUSE, type PaymentIntent } from '../state/model';
import { createIntent } from '../payments/payment-intents';
import { usableMethod } from '../payments/payment-methods';

/** A payment made by hand in the dashboard. */
export interface DashboardPayment {
  /** Minor units. */
  amount: number;
  currency: string;
  /** `pm_card_visa` by default. */
  paymentMethod?: string;
  customer?: string;
  metadata?: Record<string, string>;
}

/** Makes a payment as Stripe's dashboard does: captured at once, without the metadata that our code writes. */
export function addDashboardPayment(account: Account, payment: DashboardPayment): PaymentIntent {
  const { amount, currency, paymentMethod = 'pm_card_visa', customer, metadata = {} } = payment;
  if (!Number.isSafeInteger(amount) || amount <= 0) throw new RangeError(`An amount in minor units, got ${amount}`);
  const method = usableMethod(account, paymentMethod);
  const intent = createIntent(
    account,
    {
      amount,
      currency,
      metadata,
      payment_method: method.id,
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      ...(customer === undefined ? {} : { customer }),
    },
    CLOCK_CAUSE,
  );
  const params = { payment_method: method.id };
  confirm(account, intent, prepareConfirmation(account, intent, params), params, CLOCK_CAUSE);
  return intent.object;
}
