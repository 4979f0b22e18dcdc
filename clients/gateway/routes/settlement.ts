import { z } from 'zod';
import { boundedDate } from '../../schemas/edge';
import { parse } from '../../schemas/validate';
import type { Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { notFound } from '../server/problem';

const day = boundedDate.describe('A day in UTC');
const request = z.strictObject({ date: day });

const report = z.object({
  date: day,
  providerMovements: z.int().min(0).describe('Balance transactions of the provider'),
  matched: z.int().min(0).describe('Payments, refunds and movements of disputes on which both sides agree'),
  differences: z.array(
    z.object({
      position: z.string(),
      kind: z.enum(['charge', 'refund', 'dispute', 'hold', 'other']),
      cause: z.enum([
        'subscription',
        'refund_pending',
        'made_elsewhere',
        'not_recorded',
        'not_at_provider',
        'hold_unaccounted',
        'unknown_movement',
      ]),
      explained: z.boolean().describe('False: a person must look into it; an exception is open'),
      orderId: z.string().optional(),
      currency: z.string(),
      ledgerAmount: z.int().describe('Minor units; money that came to the shop is positive'),
      providerAmount: z.int(),
    }),
  ),
  ranAt: z.iso.datetime(),
});

/** `/v1/payments/reconciliations`: our ledger compared with the provider's balance. */
export function settlementOperations({ holdfast, settlement }: GatewayDeps): Operation[] {
  const reportOf = async (date: string): Promise<{ status: number; body: unknown }> => {
    const found = await settlement.getReport(date);
    if (found === undefined) throw notFound('A comparison of this day');
    return { status: 200, body: found };
  };
  return [
    {
      method: 'POST',
      path: '/v1/payments/reconciliations',
      name: 'reconcile',
      summary:
        'Compare the ledger of a day with the balance of the provider now; each night it runs for the day before.',
      body: request,
      answers: { 200: ['What differs', report] },
      problems: { 503: '`outcome_pending`: the comparison continues; ask for its result later' },
      prepare: (call) => {
        const { date } = parse(request, call.body);
        return async () => {
          await holdfast.reconcile(date);
          return reportOf(date);
        };
      },
    },
    {
      method: 'GET',
      path: '/v1/payments/reconciliations/:date',
      name: 'getReconciliation',
      summary: 'The result of the last comparison of a day, from Postgres.',
      answers: { 200: ['What differs', report] },
      problems: { 404: 'No comparison of this day' },
      prepare: (call) => {
        const { date } = parse(request, call.params);
        return () => reportOf(date);
      },
    },
  ];
}
