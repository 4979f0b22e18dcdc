import type { Account } from '../../state/account';
import { refused } from '../../http/errors';
import { cancel } from '../../payments/intent-capture-cancel';
import { CLOCK_CAUSE, type RequestCause, type StoredPaymentIntent } from '../../state/model';
import { emitChange } from '../subscriptions/changes';
import type { InvoicePayment, InvoiceStatus, StoredInvoice } from '../model';
import { invoicePayments, invoices } from '../resources';

/** Where an invoice may go from each status. https://docs.stripe.com/invoicing/integration/workflow-transitions */
export const INVOICE_TRANSITIONS: Readonly<Record<InvoiceStatus, readonly InvoiceStatus[]>> = {
  draft: ['open'],
  open: ['paid', 'uncollectible', 'void'],
  uncollectible: ['paid', 'void'],
  paid: [],
  void: [],
};

/** Changes the invoice's status. @throws Error for a transition that is not in the table: a bug of the simulator */
export function moveInvoice({ object }: StoredInvoice, status: InvoiceStatus): void {
  if (!INVOICE_TRANSITIONS[object.status].includes(status))
    throw new Error(`${object.id} cannot go from ${object.status} to ${status}`);
  object.status = status;
}

/** Refuses a request that the invoice's status does not allow. */
export function assertInvoiceMay({ object }: StoredInvoice, status: InvoiceStatus): void {
  const from = (Object.keys(INVOICE_TRANSITIONS) as InvoiceStatus[]).filter((one) =>
    INVOICE_TRANSITIONS[one].includes(status),
  );
  if (from.includes(object.status)) return;
  if (object.status === 'paid' && status === 'paid') throw refused('Invoice is already paid');
  throw refused(`You can only pass in ${from.join(' or ')} invoices. This invoice is ${object.status}.`, {
    code: 'invoice_not_editable',
  });
}

/** The payment that Stripe makes for an invoice when it is finalized; undefined where there is nothing to pay. */
export function paymentOf(account: Account, invoiceId: string): InvoicePayment | undefined {
  const [payment] = account.of(invoicePayments).filed('invoice', invoiceId);
  // Looked up by its id, so that the journal records changes.
  return payment === undefined ? undefined : account.of(invoicePayments).get(payment.id);
}

export function intentOf(account: Account, invoice: StoredInvoice): StoredPaymentIntent | undefined {
  const payment = paymentOf(account, invoice.id);
  return payment === undefined ? undefined : account.paymentIntents.get(payment.payment.payment_intent);
}

/** Cancels the invoice's timer and its automatic next step. */
export function disarm(account: Account, invoice: StoredInvoice): void {
  account.of(invoices).get(invoice.id);
  invoice.timer?.cancel();
  invoice.timer = undefined;
  invoice.due = null;
  invoice.plannedMs = null;
}

/** Ends the automatic collection of the invoice; it can still be paid. */
export function stopCollecting(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  disarm(account, invoice);
  emitChange(account, 'invoice.updated', invoice.object, cause, () => {
    invoice.object.auto_advance = false;
    invoice.object.automatically_finalizes_at = null;
    invoice.object.next_payment_attempt = null;
  });
}

/** Marks the invoice as paid, by its payment or because nothing was due. */
export function markPaid(account: Account, invoice: StoredInvoice, cause: RequestCause, outOfBand = false): void {
  const { object } = invoice;
  const now = account.clock.nowSeconds();
  disarm(account, invoice);
  moveInvoice(invoice, 'paid');
  object.attempted = true;
  object.auto_advance = false;
  object.amount_paid = object.amount_due;
  if (outOfBand) object.amount_paid_off_stripe = object.amount_due;
  object.amount_remaining = 0;
  object.next_payment_attempt = null;
  object.status_transitions.paid_at = now;
  const payment = paymentOf(account, invoice.id);
  if (payment !== undefined) endPayment(account, payment, outOfBand, now);
  account.log.emit('invoice.paid', object, cause);
  account.log.emit('invoice.payment_succeeded', object, cause);
  if (payment?.status === 'paid') account.log.emit('invoice_payment.paid', payment, cause);
}

export function voidInvoice(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  disarm(account, invoice);
  moveInvoice(invoice, 'void');
  invoice.object.auto_advance = false;
  invoice.object.next_payment_attempt = null;
  invoice.object.status_transitions.voided_at = account.clock.nowSeconds();
  const payment = paymentOf(account, invoice.id);
  if (payment !== undefined) endPayment(account, payment, true, account.clock.nowSeconds());
  account.log.emit('invoice.voided', invoice.object, cause);
}

export function markUncollectible(account: Account, invoice: StoredInvoice, cause: RequestCause): void {
  disarm(account, invoice);
  moveInvoice(invoice, 'uncollectible');
  invoice.object.auto_advance = false;
  invoice.object.next_payment_attempt = null;
  invoice.object.status_transitions.marked_uncollectible_at = account.clock.nowSeconds();
  account.log.emit('invoice.marked_uncollectible', invoice.object, cause);
}

/** Ends the payment of an invoice. `unused`: the invoice ended without it, so it is canceled and nobody can pay twice. */
function endPayment(account: Account, payment: InvoicePayment, unused: boolean, now: number): void {
  if (unused) {
    payment.status = 'canceled';
    payment.status_transitions.canceled_at = now;
    const intent = account.paymentIntents.get(payment.payment.payment_intent);
    if (intent !== undefined) cancel(account, intent, { cancellation_reason: 'void_invoice' }, CLOCK_CAUSE);
    return;
  }
  payment.status = 'paid';
  payment.amount_paid = payment.amount_requested;
  payment.status_transitions.paid_at = now;
}
