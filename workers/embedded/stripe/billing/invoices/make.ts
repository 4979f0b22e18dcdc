import type { Account } from '../../state/account';
import { fullAddress } from '../../payments/customers';
import { CLOCK_CAUSE, type RequestCause, type StoredPaymentIntent } from '../../state/model';
import { createIntent } from '../../payments/payment-intents';
import { store } from '../../http/resource';
import { emitChange } from '../subscriptions/changes';
import { collect, continueSubscription, subscriptionOf } from './collect';
import { disarm, markPaid, markUncollectible, moveInvoice, voidInvoice } from './states';
import { newInvoice, totals, type InvoiceRequest } from './object';
import type { BillingReason, StoredInvoice, StoredSubscription } from '../model';
import { invoicePayments, invoices, subscriptions } from '../resources';
import { spreadOf } from './retries';
import { timerAt } from '../time';

/** Stripe says "about an hour", so each invoice gets another delay: up to this share is added. */
const FINALIZATION_SPREAD = 0.1;
const DESCRIPTIONS: Partial<Record<BillingReason, string>> = {
  subscription_create: 'Subscription creation',
  subscription_cycle: 'Subscription update',
  subscription_update: 'Subscription update',
};

/** A draft of a subscription's invoice; it becomes the subscription's latest. */
export function draftInvoice(
  account: Account,
  subscription: StoredSubscription,
  request: InvoiceRequest,
  cause: RequestCause,
): StoredInvoice {
  const object = newInvoice(account, subscription, request);
  const invoice = store(account, invoices, {
    id: object.id,
    object,
    due: null,
    plannedMs: null,
    firstFailureMs: null,
    retries: 0,
    refusedMethod: null,
    timer: undefined,
  });
  account.of(subscriptions).get(subscription.id);
  subscription.object.latest_invoice = invoice.id;
  object.auto_advance = request.advance !== 'never';
  if (request.advance === 'later') finalizeLater(account, invoice);
  account.log.emit('invoice.created', object, cause);
  return invoice;
}

/** Schedules a draft to be finalized and collected after the account's delay. */
export function finalizeLater(account: Account, invoice: StoredInvoice): void {
  const { finalizationDelayMs } = account.billing.now;
  const delayMs = finalizationDelayMs * (1 + FINALIZATION_SPREAD * spreadOf(invoice.id));
  const atMs = Math.ceil((account.clock.now() + delayMs) / 1000) * 1000;
  invoice.due = { what: 'finalize', atMs };
  invoice.object.automatically_finalizes_at = atMs / 1000;
  invoice.object.next_payment_attempt = atMs / 1000;
  armFinalization(account, invoice);
}

/** Sets the timer that finalizes a draft. */
export function armFinalization(account: Account, invoice: StoredInvoice): void {
  const { due, id } = invoice;
  if (due?.what !== 'finalize') return;
  invoice.timer = timerAt(account, invoice.object.test_clock, due.atMs, () => {
    const found = account.of(invoices).get(id);
    if (found?.due?.what !== 'finalize') return;
    finalize(account, found, CLOCK_CAUSE);
    advanceFinalized(account, found);
  });
}

/** The automatic next step of an invoice that was finalized. */
function advanceFinalized(account: Account, invoice: StoredInvoice): void {
  const { object } = invoice;
  if (object.status !== 'open') return;
  const paused = subscriptionOf(account, invoice)?.object.pause_collection?.behavior;
  if (paused === 'void') voidInvoice(account, invoice, CLOCK_CAUSE);
  else if (paused === 'mark_uncollectible') markUncollectible(account, invoice, CLOCK_CAUSE);
  else if (object.auto_advance === true) collect(account, invoice, { automatic: true, offSession: true }, CLOCK_CAUSE);
}

/**
 * Turns a draft into an open invoice with a number and a payment. The part that the customer's balance covers needs no payment,
 * and an invoice of 0 is paid at once. `charged`: the payment, if it was made before the invoice.
 */
export function finalize(
  account: Account,
  invoice: StoredInvoice,
  cause: RequestCause,
  charged?: StoredPaymentIntent,
): void {
  const { object } = invoice;
  const now = account.clock.nowSeconds();
  disarm(account, invoice);
  numberInvoice(account, invoice);
  applyBalance(account, invoice, cause);
  object.automatically_finalizes_at = null;
  object.effective_at = now;
  object.status_transitions.finalized_at = now;
  object.webhooks_delivered_at = now;
  object.hosted_invoice_url = `${account.baseUrl()}/_simulator/invoices/${object.id}`;
  moveInvoice(invoice, 'open');
  if (object.amount_due > 0) openPayment(account, invoice, charged ?? newIntent(account, invoice, cause));
  account.log.emit('invoice.finalized', object, cause);
  if (object.amount_due > 0) return;
  markPaid(account, invoice, cause);
  continueSubscription(account, invoice, null, cause);
}

/** A customer's invoices are numbered in their own sequence: ABCD1234-0001. */
function numberInvoice(account: Account, { object }: StoredInvoice): void {
  const customer = account.customers.get(object.customer);
  if (customer === undefined) throw new Error(`${object.id} has no customer`);
  const sequence = customer.next_invoice_sequence ?? 1;
  customer.next_invoice_sequence = sequence + 1;
  object.number = `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`;
  object.customer_address = customer.address == null ? null : fullAddress(customer.address);
  object.customer_email = customer.email;
  object.customer_name = customer.name ?? null;
  object.customer_phone = customer.phone ?? null;
}

/** Adds the customer's credits (negative) and debts to the total; a total below zero becomes a credit. */
function applyBalance(account: Account, { object }: StoredInvoice, cause: RequestCause): void {
  const customer = account.customers.get(object.customer);
  if (customer === undefined) throw new Error(`${object.id} has no customer`);
  const { amountDue, endingBalance } = totals(object.total, customer.balance);
  object.starting_balance = customer.balance;
  object.ending_balance = endingBalance;
  object.amount_due = amountDue;
  object.amount_remaining = amountDue;
  emitChange(account, 'customer.updated', customer, cause, () => {
    customer.balance = endingBalance;
  });
}

function newIntent(account: Account, { object }: StoredInvoice, cause: RequestCause): StoredPaymentIntent {
  const description = DESCRIPTIONS[object.billing_reason];
  return createIntent(
    account,
    {
      amount: object.amount_due,
      currency: object.currency,
      customer: object.customer,
      allowed_payment_method_types: ['card'],
      // A card that the customer enters for an invoice is kept for the next ones.
      setup_future_usage: 'off_session',
      ...(description === undefined ? {} : { description }),
    },
    cause,
  );
}

function openPayment(account: Account, { object }: StoredInvoice, intent: StoredPaymentIntent): void {
  store(account, invoicePayments, {
    id: account.newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: object.amount_due,
    created: account.clock.nowSeconds(),
    currency: object.currency,
    invoice: object.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: intent.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
}
