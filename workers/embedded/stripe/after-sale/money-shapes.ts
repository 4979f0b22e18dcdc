import { boolean, emptyable, ignored, metadata, object, oneOf, string } from '../http/schema';
import { amount, currency, expand, paging } from '../state/shapes';

/** https://docs.stripe.com/api/disputes/update: the longest text of evidence. */
const MAX_TEXT = 20_000;

export const refundCreate = {
  ...expand,
  amount: amount(),
  charge: string(),
  payment_intent: string(),
  reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer'),
  metadata: metadata(),
  instructions_email: string(),
  refund_application_fee: boolean(),
  reverse_transfer: boolean(),
  // Of refunds from a customer's cash balance, which the simulator does not have.
  origin: oneOf('customer_balance'),
  customer: string(),
  currency: currency(),
};
export const refundUpdate = { ...expand, metadata: metadata() };
const ofPayment = { charge: string(), payment_intent: string() };
export const refundList = { ...paging, ...ofPayment };

export const balanceTransactionList = {
  ...paging,
  currency: currency(),
  source: string(),
  type: string(),
  // The simulator pays nothing out, so that nothing is in a payout.
  payout: ignored(),
};

const text = emptyable(string(MAX_TEXT));
const line = emptyable(string());
const file = emptyable(string());
export const FILE_EVIDENCE = [
  'cancellation_policy',
  'customer_communication',
  'customer_signature',
  'duplicate_charge_documentation',
  'receipt',
  'refund_policy',
  'service_documentation',
  'shipping_documentation',
  'uncategorized_file',
] as const;
const files = Object.fromEntries(FILE_EVIDENCE.map((name) => [name, file])) as Record<
  (typeof FILE_EVIDENCE)[number],
  typeof file
>;
const evidence = {
  ...files,
  access_activity_log: text,
  billing_address: line,
  cancellation_policy_disclosure: text,
  cancellation_rebuttal: text,
  customer_email_address: line,
  customer_name: line,
  customer_purchase_ip: line,
  duplicate_charge_explanation: text,
  duplicate_charge_id: line,
  product_description: text,
  refund_policy_disclosure: text,
  refund_refusal_explanation: text,
  service_date: line,
  shipping_address: line,
  shipping_carrier: line,
  shipping_date: line,
  shipping_tracking_number: line,
  uncategorized_text: text,
};
/** Every field of evidence that the simulator keeps. */
export const EVIDENCE_FIELDS: readonly string[] = Object.keys(evidence);
export const disputeUpdate = {
  ...expand,
  evidence: object({ ...evidence, enhanced_evidence: ignored(), appeal: ignored() }),
  intended_submission_method: oneOf('manual', 'prefer_manual', 'prefer_smart_disputes', 'smart_disputes'),
  metadata: metadata(),
  submit: boolean(),
};
export const disputeList = { ...paging, ...ofPayment };

export const fraudWarningList = { ...paging, ...ofPayment };
