import { z } from 'zod';
import type { FieldProblem } from '../../workflows/domain/shared/errors';
import { amountProblem } from '../../workflows/domain/shared/money';
import type { RefundFacts } from '../../workflows/domain/refund/refund';
import { currency, movedAmount, ownId, wellFormedText } from './edge';
import { refundAnswer } from './after-sale-answers';
import { actor, lineQuantities } from './orders';
import { parse, repeatedSkus } from './validate';

/** Path of everything under `/v1/refunds/{id}`. */
export const refundParams = z.strictObject({ refundId: ownId });

/** `POST /v1/orders/{id}/refunds`: an amount, or lines with their share of the tax. Shipping is refunded by amount. */
export const refundRequest = z.strictObject({
  amount: movedAmount.optional().describe('Minor units; instead of lines'),
  currency: currency.optional().describe("Must be the order's; optional"),
  lines: lineQuantities.optional().describe('Pieces whose price and tax are refunded; instead of an amount'),
  reason: wellFormedText(200).describe(
    'For the record; `duplicate`, `fraudulent` and `requested_by_customer` are also passed to Stripe',
  ),
  actor,
});

/** `POST /v1/refunds/{id}/resolution`: a person's decision on a refund that failed. */
export const resolutionRequest = z.strictObject({
  action: z.enum(['another_refund', 'manual_transfer', 'dismiss']),
  reference: wellFormedText(200).optional().describe('Reference of the manual transfer; required for one'),
  actor,
});

/** `POST /v1/refunds/{id}/cancel` */
export const refundCancelRequest = z.strictObject({ actor });

/** Parses a refund request, including the rules across fields. @throws {ValidationError} */
export function parseRefund(raw: unknown): z.output<typeof refundRequest> {
  return parse(refundRequest, raw, (body) => [...repeatedSkus(body), ...amountOrLines(body), ...amountProblems(body)]);
}

/** @throws {ValidationError} */
export function parseResolution(raw: unknown): z.output<typeof resolutionRequest> {
  return parse(resolutionRequest, raw, (body) => {
    const { action, reference } = fieldsOf(body);
    const isMissing = action === 'manual_transfer' && reference === undefined;
    return isMissing ? [{ field: 'reference', message: 'is required for a manual transfer' }] : [];
  });
}

function amountOrLines(raw: unknown): FieldProblem[] {
  const { amount, lines } = fieldsOf(raw);
  if (amount === undefined && lines === undefined)
    return [{ field: 'amount', message: 'is required unless lines are given' }];
  if (amount === undefined || lines === undefined) return [];
  return [{ field: 'lines', message: 'cannot be combined with an amount' }];
}

/** Without a currency, the order's applies, and the workflow checks the amount by its rules. */
function amountProblems(raw: unknown): FieldProblem[] {
  const { amount, currency: given } = fieldsOf(raw);
  const code = currency.safeParse(given);
  const minor = movedAmount.safeParse(amount);
  const message = code.success && minor.success ? amountProblem(minor.data, code.data) : undefined;
  return message === undefined ? [] : [{ field: 'amount', message }];
}

function fieldsOf(raw: unknown): Readonly<Record<string, unknown>> {
  return raw !== null && typeof raw === 'object' ? (raw as Readonly<Record<string, unknown>>) : {};
}

const amount = z.int().min(0).describe('Minor units');

/** Answers to a refund request. */
export const refundAccepted = refundAnswer.pick({
  refundId: true,
  orderId: true,
  state: true,
  amount: true,
  currency: true,
  parts: true,
});
export const refundVoided = z.object({
  orderId: z.string(),
  state: z.literal('voided'),
  releasedAmount: amount,
  cancelledLines: z.array(z.object({ sku: z.string(), quantity: z.int() })),
});
export const refundResolved = refundAccepted.extend({ resolution: refundAnswer.shape.resolution });

/** Fails to compile unless exactly the fields of a refund are documented. */
type Documented = Record<keyof z.output<typeof refundAnswer>, unknown>;
type Shown = Record<keyof RefundFacts, unknown>;
export type RefundFieldsAgree = Documented extends Shown ? (Shown extends Documented ? true : never) : never;

export type RefundBody = z.input<typeof refundRequest>;
export type ResolutionBody = z.input<typeof resolutionRequest>;
export type RefundCancelBody = z.input<typeof refundCancelRequest>;
