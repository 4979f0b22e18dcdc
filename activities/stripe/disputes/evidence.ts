import type Stripe from 'stripe';
import { formatMoney } from '../../../workflows/domain/shared/money';
import type { EvidenceFields, EvidenceSource } from '../../storage';
import { providerEmail, wellFormed } from '../provider-text';

/*
 * The evidence of a dispute: what was ordered, how it was authorized, what was shipped and delivered, which messages were sent
 * and what was refunded. It uses the provider's structured fields where they exist; the rest is a text for a person at the bank.
 * Texts only: fields such as `receipt`, `shipping_documentation` and `service_documentation` need ids of uploaded files.
 */

/** The limit for all fields together. Source: Stripe API, update a dispute, `evidence`. */
export const MAX_EVIDENCE_LENGTH = 150_000;
/** The limits for a long text and for a line. Source: the same; lines have the API's general limit. */
const MAX_TEXT_LENGTH = 20_000;
const MAX_LINE_LENGTH = 5_000;
const LONG_FIELDS: ReadonlySet<string> = new Set([
  'product_description',
  'refund_refusal_explanation',
  'uncategorized_text',
]);

/** Builds the evidence from the order's record and its charge. Pure. */
export function evidenceFields(source: EvidenceSource, charge: Stripe.Charge): EvidenceFields {
  const { customer, order } = source;
  const parcels = order.shipments;
  const fields: Record<string, string | undefined> = {
    product_description: productText(source),
    customer_name: customer.name,
    customer_email_address: providerEmail(customer.email),
    shipping_address: addressText(source),
    shipping_carrier: unique(parcels.map((one) => one.carrier)).join(', '),
    shipping_tracking_number: unique(parcels.map((one) => one.trackingNumber)).join(', '),
    shipping_date: unique(parcels.map((one) => day(one.shippedAt))).join(', '),
    service_date: unique(parcels.flatMap((one) => (one.deliveredAt === undefined ? [] : [day(one.deliveredAt)]))).join(
      ', ',
    ),
    refund_refusal_explanation: refundText(source),
    // A person's own text replaces the summary.
    uncategorized_text: source.uncategorizedText ?? summaryText(source, charge),
  };
  return withinLimits(fields);
}

/** Leaves empty fields out and cuts long ones, so that each field and all together stay within the provider's limits. */
function withinLimits(fields: Readonly<Record<string, string | undefined>>): EvidenceFields {
  const kept: Record<string, string> = {};
  let left = MAX_EVIDENCE_LENGTH;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === '') continue;
    const limit = Math.min(LONG_FIELDS.has(name) ? MAX_TEXT_LENGTH : MAX_LINE_LENGTH, left);
    // Cutting may leave half of a surrogate pair, which cannot be sent.
    const text = wellFormed(cut(value, limit));
    if (text === '') continue;
    kept[name] = text;
    left -= text.length;
  }
  return kept;
}

const CUT_OFF = ' … (cut off)';

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return limit <= CUT_OFF.length ? '' : text.slice(0, limit - CUT_OFF.length) + CUT_OFF;
}

function productText({ order, productNames }: EvidenceSource): string {
  const lines = order.lines.map(({ sku, quantity, unitAmount }) => {
    const price = formatMoney({ amount: unitAmount, currency: order.currency });
    return `${quantity} × ${productNames[sku] ?? sku} (${sku}) at ${price}`;
  });
  return lines.join('\n');
}

function addressText({ customer }: EvidenceSource): string | undefined {
  const address = customer.shippingAddress;
  if (address === undefined) return undefined;
  const { line1, line2, postalCode, city, region, country } = address;
  return [customer.name, line1, line2, [postalCode, city].filter(Boolean).join(' '), region, country]
    .filter((part) => part !== undefined && part !== '')
    .join(', ');
}

/** What was refunded and what was not, with the shop's rule. */
function refundText({ order, dispute }: EvidenceSource): string {
  const money = (amount: number): string => formatMoney({ amount, currency: order.currency });
  const { captured, refunded, refundPending, refundedOutside = 0 } = order.amounts;
  const given = refunded + refundedOutside;
  return [
    `${money(captured)} were charged for what was shipped; ${money(given)} have been refunded, and refunds of ${money(refundPending)} are pending.`,
    ...(order.refunds ?? []).map(
      (one) => `Refund of ${money(one.amount)} requested on ${day(one.requestedAt)}: ${one.state}.`,
    ),
    'The shop makes refunds on request to the card that paid. It does not also refund a disputed amount, so that the customer is not paid twice.',
    `Disputed amount: ${formatMoney({ amount: dispute.amount, currency: dispute.currency })}.`,
  ].join('\n');
}

function summaryText(source: EvidenceSource, charge: Stripe.Charge): string {
  const { order, dispute, notices } = source;
  const money = (amount: number): string => formatMoney({ amount, currency: order.currency });
  const totals = [
    ...(order.shippingAmount > 0 ? [`shipping ${money(order.shippingAmount)}`] : []),
    ...(order.taxAmount > 0 ? [`tax ${money(order.taxAmount)}`] : []),
  ];
  const parcels = order.shipments.map(
    (one) =>
      `- ${day(one.shippedAt)}: ${one.lines.map((line) => `${line.quantity} × ${line.sku}`).join(', ')} by ${one.carrier}, ` +
      `tracking number ${one.trackingNumber}, ${one.deliveredAt === undefined ? 'no delivery recorded yet' : `delivered on ${time(one.deliveredAt)}`}`,
  );
  return sections([
    [
      'Order',
      [
        `${order.orderId}, placed ${time(order.placedAt)}, charged ${money(order.amounts.captured)}` +
          (totals.length > 0 ? ` (with ${totals.join(' and ')})` : ''),
        `Disputed: ${formatMoney({ amount: dispute.amount, currency: dispute.currency })}, reason "${dispute.reason}"`,
        productText(source),
      ],
    ],
    ['Authorization', authorizationLines(charge)],
    ['Shipments', parcels.length > 0 ? parcels : ['Nothing has been shipped.']],
    ['Messages to the customer', notices.map((one) => `- ${time(one.sentAt)}: ${one.kind.replaceAll('_', ' ')}`)],
    ['Refunds', [refundText(source)]],
  ]);
}

/** How the card was authorized and what the issuer checked. */
export function authorizationLines(charge: Stripe.Charge): string[] {
  const card = charge.payment_method_details?.card;
  const { outcome } = charge;
  const secure = card?.three_d_secure;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['Charged', `${time(charge.created * 1000)}, charge ${charge.id}`],
    ['Card', card && [card.brand, card.funding, card.country].filter(Boolean).join(', ')],
    ['Network', card?.network],
    ['Network transaction', card?.network_transaction_id],
    ['Authorization code', card?.authorization_code],
    ['Outcome', outcome && [outcome.type, outcome.network_status].filter(Boolean).join(', ')],
    ['Risk level', outcome?.risk_level],
    ['CVC check', card?.checks?.cvc_check],
    ['Address check', card?.checks?.address_line1_check],
    ['Postal code check', card?.checks?.address_postal_code_check],
    ['3-D Secure', secure && [secure.result, secure.authentication_flow, secure.version].filter(Boolean).join(', ')],
  ];
  return facts.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []));
}

function sections(all: readonly (readonly [title: string, lines: readonly string[]])[]): string {
  return all
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [title.toUpperCase(), ...lines].join('\n'))
    .join('\n\n');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function day(at: string): string {
  return at.slice(0, 10);
}

function time(at: string | number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
