import type Stripe from 'stripe';
import type { Account } from '../state/account';
import { declineFor, type Decline } from './cards';
import type { Charge, StoredPaymentIntent, StoredPaymentMethod } from '../state/model';

const APPROVED: Stripe.Charge.Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: 'approved_by_network',
  reason: null,
  risk_level: 'normal',
  risk_score: 20,
  seller_message: 'Payment complete.',
  type: 'authorized',
};

/** Adds a charge that the network approved; with manual capture it is a hold with a `capture_before`. */
export function approveCharge(account: Account, intent: StoredPaymentIntent, method: StoredPaymentMethod): Charge {
  const charge = newCharge(account, intent, method);
  charge.outcome = APPROVED;
  charge.paid = true;
  charge.status = 'succeeded';
  const { card } = charge.payment_method_details;
  card.amount_authorized = intent.object.amount;
  card.authorization_code = account.newId('auth', 6).slice('auth_'.length);
  card.network_transaction_id = account.newId('ntid', 15).slice('ntid_'.length);
  if (intent.authenticated) card.three_d_secure = authenticated();
  if (intent.object.capture_method === 'manual') {
    const durationMs = account.holds.take(intent, method.profile.brand);
    card.capture_before = Math.floor((account.clock.now() + durationMs) / 1000);
    const multicapture = account.settings.multicapture && intent.multicaptureRequested;
    card.multicapture = { status: multicapture ? 'available' : 'unavailable' };
    card.extended_authorization = { status: 'disabled' };
    card.incremental_authorization = { status: 'unavailable' };
    card.overcapture = { maximum_amount_capturable: intent.object.amount, status: 'unavailable' };
  } else {
    charge.captured = true;
    charge.amount_captured = charge.amount;
  }
  return file(account, charge);
}

/** Adds a charge that the issuer refused. */
export function declineCharge(
  account: Account,
  intent: StoredPaymentIntent,
  method: StoredPaymentMethod,
  declineCode: string,
): { charge: Charge; decline: Decline } {
  const decline = declineFor(declineCode);
  const charge = newCharge(account, intent, method);
  charge.status = 'failed';
  charge.failure_code = decline.code;
  charge.failure_message = decline.message;
  charge.outcome = {
    ...APPROVED,
    advice_code: decline.adviceCode,
    network_decline_code: decline.networkDeclineCode,
    network_status: 'declined_by_network',
    reason: decline.declineCode,
    seller_message: 'The bank did not return any further details with this decline.',
    type: 'issuer_declined',
  };
  return { charge: file(account, charge), decline };
}

function file(account: Account, charge: Charge): Charge {
  account.charges.add(charge);
  account.charges.file('payment_intent', charge.payment_intent, charge.id);
  if (charge.customer !== null) account.charges.file('customer', charge.customer, charge.id);
  return charge;
}

function authenticated(): Stripe.Charge.PaymentMethodDetails.Card.ThreeDSecure {
  return {
    authentication_flow: 'challenge',
    electronic_commerce_indicator: '05',
    exemption_indicator: null,
    result: 'authenticated',
    result_reason: null,
    transaction_id: null,
    version: '2.2.0',
  };
}

function newCharge(account: Account, intent: StoredPaymentIntent, method: StoredPaymentMethod): Charge {
  const pi = intent.object;
  const id = account.newId('ch');
  return {
    id,
    object: 'charge',
    amount: pi.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.object.billing_details,
    calculated_statement_descriptor: 'HOLDFAST',
    captured: false,
    created: account.clock.nowSeconds(),
    currency: pi.currency,
    customer: pi.customer,
    description: pi.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: { ...pi.metadata },
    on_behalf_of: null,
    outcome: null,
    paid: false,
    payment_intent: pi.id,
    payment_method: method.id,
    payment_method_details: { type: 'card', card: chargedCard(method) },
    receipt_email: pi.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: pi.shipping,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: pi.statement_descriptor_suffix,
    status: 'pending',
    transfer_data: null,
    transfer_group: pi.transfer_group,
  };
}

function chargedCard(method: StoredPaymentMethod): Stripe.Charge.PaymentMethodDetails.Card {
  const { profile, object } = method;
  return {
    amount_authorized: null,
    authorization_code: null,
    brand: profile.brand,
    checks: {
      address_line1_check: null,
      address_postal_code_check: null,
      cvc_check: profile.behaviour.kind === 'decline' && profile.behaviour.code === 'incorrect_cvc' ? 'fail' : 'pass',
    },
    country: profile.country,
    electronic_commerce_indicator: null,
    exp_month: object.card?.exp_month ?? 0,
    exp_year: object.card?.exp_year ?? 0,
    fingerprint: object.card?.fingerprint ?? null,
    funding: profile.funding,
    installments: null,
    last4: profile.number.slice(-4),
    mandate: null,
    network: profile.brand,
    network_token: { used: false },
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
}
