import type { Account } from '../state/account';
import { cardByName, declineFor, type CardProfile } from '../bank/cards';
import { noSuch, refused, StripeApiError } from '../http/errors';
import type { RequestCause, StoredPaymentMethod } from '../state/model';

const REUSED =
  'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.';

/** The payment method `id`; the name of a test card becomes a new payment method each time, as with Stripe. */
export function resolveMethod(account: Account, id: string, status: 400 | 404): StoredPaymentMethod {
  const stored = account.paymentMethods.get(id);
  if (stored !== undefined) return stored;
  const profile = cardByName(id);
  if (profile === undefined) throw noSuch('PaymentMethod', id, 'payment_method', status);
  return newMethod(account, profile);
}

/** The payment method, refused where it was used up before. */
export function usableMethod(account: Account, id: string): StoredPaymentMethod {
  const method = resolveMethod(account, id, 400);
  // Without a code and a parameter: only the method's own state says what is wrong.
  if (method.consumed) throw refused(REUSED);
  return method;
}

/** Attaches a payment method; the issuer is asked, so a card that it declines cannot be saved. */
export function attach(account: Account, method: StoredPaymentMethod, customerId: string, cause: RequestCause): void {
  if (method.object.customer === customerId) return;
  if (method.object.customer !== null) {
    throw refused('The payment method you provided has already been attached to a customer.', {
      param: 'payment_method',
    });
  }
  if (method.consumed) throw refused(REUSED);
  if (method.profile.behaviour.kind === 'decline') {
    const { code, declineCode, message } = declineFor(method.profile.behaviour.code);
    throw new StripeApiError(402, { type: 'card_error', code, decline_code: declineCode, message, param: '' });
  }
  method.object.customer = customerId;
  account.paymentMethods.file('customer', customerId, method.id);
  account.log.emit('payment_method.attached', method.object, cause);
}

/** A payment method of this card, not attached to a customer. */
export function newMethod(account: Account, profile: CardProfile): StoredPaymentMethod {
  const id = account.newId('pm');
  const method: StoredPaymentMethod = {
    id,
    profile,
    consumed: false,
    setUp: false,
    object: {
      id,
      object: 'payment_method',
      allow_redisplay: 'unspecified',
      billing_details: {
        address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
        email: null,
        name: null,
        phone: null,
        tax_id: null,
      },
      card: cardOf(account, profile),
      created: account.clock.nowSeconds(),
      customer: null,
      customer_account: null,
      livemode: false,
      metadata: {},
      type: 'card',
    },
  };
  account.paymentMethods.add(method);
  return method;
}

function cardOf(account: Account, profile: CardProfile): NonNullable<StoredPaymentMethod['object']['card']> {
  return {
    brand: profile.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: profile.country,
    display_brand: profile.brand,
    exp_month: 12,
    // So late that no test card expires during a simulated order.
    exp_year: new Date(account.clock.now()).getUTCFullYear() + 4,
    fingerprint: `fp${profile.number}`,
    funding: profile.funding,
    generated_from: null,
    last4: profile.number.slice(-4),
    networks: { available: [profile.brand], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}
