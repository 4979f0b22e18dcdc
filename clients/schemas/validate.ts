import type { z } from 'zod';
import type { FieldProblem } from '../../workflows/domain/shared/errors';
import { isCurrency } from '../../workflows/domain/shared/currencies';
import { amountProblem, chargeProblem, isAmount } from '../../workflows/domain/shared/money';
import { cartTotal } from '../../workflows/domain/order/shipment-amount';
import { CLOCK_SKEW_MS } from '../../workflows/domain/order/shipping-rules';
import { addressProblems } from './address';
import { ValidationError } from '../client/errors';
import { checkoutRequest, deliveryRequest, shipmentRequest, type ParsedCheckout } from './orders';

/**
 * Parses what a caller sent.
 * @throws {ValidationError} naming every wrong field at once.
 */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  rules: (raw: unknown) => readonly FieldProblem[] = () => [],
): z.output<Schema> {
  const result = schema.safeParse(raw, { reportInput: true });
  const problems = [...(result.success ? [] : result.error.issues.flatMap(describe)), ...rules(raw)];
  if (problems.length > 0 || !result.success) throw new ValidationError(problems);
  return result.data;
}

/** Parses a checkout, including the rules across fields. @throws {ValidationError} */
export function parseCheckout(raw: unknown): ParsedCheckout {
  return parse(checkoutRequest, raw, (body) => [
    ...repeatedSkus(body),
    ...amountProblems(body),
    ...addressProblems(asRecord(body)['shippingAddress']),
  ]);
}

/** Parses a shipment, including the rules across fields. @throws {ValidationError} */
export function parseShipment(raw: unknown): z.output<typeof shipmentRequest> {
  return parse(shipmentRequest, raw, repeatedSkus);
}

/** Parses a delivery, which must not be in the future. @throws {ValidationError} */
export function parseDelivery(raw: unknown, nowMs: number): z.output<typeof deliveryRequest> {
  return parse(deliveryRequest, raw, (body) => {
    const { deliveredAt } = asRecord(body);
    const isFuture = typeof deliveredAt === 'string' && Date.parse(deliveredAt) > nowMs + CLOCK_SKEW_MS;
    return isFuture ? [{ field: 'deliveredAt', message: 'must not be in the future' }] : [];
  });
}

// Rules across fields are not part of the schemas: zod skips them while any single field is wrong, but an error must name every
// wrong field at once. So they read the raw body and ignore what they cannot read.

/** No SKU on two lines. */
export function repeatedSkus(raw: unknown): FieldProblem[] {
  const seen = new Set<string>();
  return linesOf(raw).flatMap((line, index) => {
    if (typeof line['sku'] !== 'string') return [];
    if (seen.has(line['sku'])) return [{ field: `lines.${index}.sku`, message: 'names a SKU of an earlier line' }];
    seen.add(line['sku']);
    return [];
  });
}

/** Checks each amount, and the total that the customer is charged, by the rules of the currency. */
function amountProblems(raw: unknown): FieldProblem[] {
  const { currency: given, shippingAmount = 0, taxAmount = 0 } = asRecord(raw);
  const currency = typeof given === 'string' ? given.toLowerCase() : '';
  if (!isCurrency(currency)) return [];
  const lines = linesOf(raw);
  const amounts: [field: string, amount: unknown][] = [
    ...lines.map((line, index): [string, unknown] => [`lines.${index}.unitAmount`, line['unitAmount']]),
    ['shippingAmount', shippingAmount],
    ['taxAmount', taxAmount],
  ];
  const problems = amounts.flatMap(([field, amount]) => {
    const message = readable(amount) ? amountProblem(amount, currency) : undefined;
    return message === undefined ? [] : [{ field, message }];
  });
  const priced = lines.flatMap(({ quantity, unitAmount }) =>
    readable(quantity) && quantity >= 1 && readable(unitAmount) ? [{ quantity, unitAmount }] : [],
  );
  const hasTotal =
    lines.length > 0 && priced.length === lines.length && readable(shippingAmount) && readable(taxAmount);
  if (problems.length > 0 || !hasTotal) return problems;
  const message = chargeProblem(cartTotal({ lines: priced, shippingAmount, taxAmount }), currency);
  return message === undefined ? [] : [{ field: 'lines', message: `the total of the cart ${message}` }];
}

function readable(value: unknown): value is number {
  return typeof value === 'number' && isAmount(value);
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>) : {};
}

function linesOf(raw: unknown): Readonly<Record<string, unknown>>[] {
  const lines = asRecord(raw)['lines'];
  return Array.isArray(lines) ? lines.map(asRecord) : [];
}

function describe(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), message: 'is unknown' }));
  }
  return [{ field: path.join('.') || 'body', message: message(issue) }];
}

/** A message that reads well after the field's name and never repeats the value. */
function message(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return issue.expected === 'int' ? 'must be a whole number' : `must be ${article(issue.expected)}`;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must ${issue.origin === 'array' ? 'have' : 'be'} at least ${issue.minimum}${items(issue.origin)}`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
      return `must ${issue.origin === 'array' ? 'have' : 'be'} at most ${issue.maximum}${items(issue.origin)}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is required';
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      if (issue.format === 'email') return 'must be an e-mail address';
      if (issue.format === 'datetime') return 'must be an ISO 8601 time, e.g. 2026-01-31T12:00:00Z';
      return issue.message;
    default:
      return issue.message;
  }
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function items(origin: string): string {
  return origin === 'array' ? ' entries' : '';
}
