import type { Account } from '../../state/account';
import { listOf, type BillingReason, type Invoice, type InvoiceLine, type StoredSubscription } from '../model';

export interface InvoiceRequest {
  readonly reason: BillingReason;
  readonly lines: InvoiceLine[];
  /** The period that the invoice covers; seconds since the epoch. */
  readonly period: { start: number; end: number };
  /** When it is finalized and collected: `later` after the account's delay, `now` by the caller, `never` only on request. */
  readonly advance: 'now' | 'later' | 'never';
}

/** A draft of an invoice as Stripe shows it. Amounts in minor units. */
export function newInvoice(
  account: Account,
  subscription: StoredSubscription,
  { reason, lines, period }: InvoiceRequest,
): Invoice {
  const id = account.newId('in');
  const total = lines.reduce((sum, { amount }) => sum + amount, 0);
  const { object } = subscription;
  const customer = account.customers.get(object.customer);
  const { amountDue } = totals(total, customer?.balance ?? 0);
  return {
    ...EMPTY,
    id,
    amount_due: amountDue,
    amount_remaining: amountDue,
    billing_reason: reason,
    created: account.clock.nowSeconds(),
    currency: object.currency,
    customer: object.customer,
    customer_email: customer?.email ?? null,
    customer_name: customer?.name ?? null,
    default_payment_method: null,
    lines: listOf(
      lines.map((line) => ({ ...line, invoice: id })),
      `/v1/invoices/${id}/lines`,
    ),
    metadata: {},
    parent: {
      quote_details: null,
      subscription_details: { metadata: { ...object.metadata }, subscription: object.id },
      type: 'subscription_details',
    },
    period_end: period.end,
    period_start: period.start,
    starting_balance: customer?.balance ?? 0,
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    subtotal: total,
    subtotal_excluding_tax: total,
    test_clock: object.test_clock,
    total,
    total_excluding_tax: total,
  };
}

/**
 * The amount due of a total, and the customer's balance after it. A balance below zero is the customer's credit.
 * https://docs.stripe.com/billing/customer/balance
 */
export function totals(total: number, balance: number): { amountDue: number; endingBalance: number } {
  const sum = total + balance;
  return { amountDue: Math.max(sum, 0), endingBalance: Math.min(sum, 0) };
}

type Filled =
  | 'id'
  | 'amount_due'
  | 'amount_remaining'
  | 'billing_reason'
  | 'created'
  | 'currency'
  | 'customer'
  | 'lines'
  | 'parent'
  | 'period_end'
  | 'period_start'
  | 'status_transitions'
  | 'subtotal'
  | 'total';

/** The fields that are the same in every new invoice. */
const EMPTY: Omit<Invoice, Filled> = {
  object: 'invoice',
  account_country: 'US',
  account_name: 'Holdfast',
  account_tax_ids: null,
  amount_overpaid: 0,
  amount_paid: 0,
  amount_paid_off_stripe: 0,
  amount_shipping: 0,
  application: null,
  attempt_count: 0,
  attempted: false,
  auto_advance: true,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  automatically_finalizes_at: null,
  collection_method: 'charge_automatically',
  custom_fields: null,
  customer_account: null,
  customer_address: null,
  customer_email: null,
  customer_name: null,
  customer_phone: null,
  customer_shipping: null,
  customer_tax_exempt: 'none',
  customer_tax_ids: [],
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  due_date: null,
  effective_at: null,
  ending_balance: null,
  footer: null,
  from_invoice: null,
  hosted_invoice_url: null,
  invoice_pdf: null,
  issuer: { type: 'self' },
  last_finalization_error: null,
  latest_revision: null,
  livemode: false,
  metadata: {},
  next_payment_attempt: null,
  number: null,
  on_behalf_of: null,
  payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  starting_balance: 0,
  statement_descriptor: null,
  status: 'draft',
  subtotal_excluding_tax: 0,
  test_clock: null,
  total_discount_amounts: [],
  total_excluding_tax: 0,
  total_pretax_credit_amounts: [],
  total_taxes: [],
  webhooks_delivered_at: null,
};
