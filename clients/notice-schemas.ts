import { z } from 'zod';
import { idSchema, MAX_LIST } from './schemas';

const STATUSES = ['queued', 'sending', 'sent', 'canceled', 'expired', 'in_doubt', 'failed'] as const;
const SUBJECTS = ['order', 'refund', 'dispute', 'subscription', 'settlement'] as const;

/** Query of `GET /v1/notices`. */
export const listNoticesQuery = z.strictObject({
  order: idSchema.optional().describe("An order's id: notices of its refunds and disputes too"),
  refund: idSchema.optional(),
  dispute: idSchema.optional(),
  subscription: idSchema.optional(),
  status: z.enum(STATUSES).optional(),
  limit: z.coerce.number<string>().int().min(1).max(MAX_LIST).default(50),
});

export type ListNoticesQuery = z.output<typeof listNoticesQuery>;

export const noticesAnswer = z.object({
  notices: z.array(
    z.object({
      noticeKey: z.string(),
      kind: z.string(),
      subject: z.object({ type: z.enum(SUBJECTS), id: z.string(), orderId: z.string().optional() }),
      status: z
        .enum(STATUSES)
        .describe('in_doubt: handed over, the answer was lost, and it is not sent again, since twice is worse'),
      channels: z.array(z.string()).describe('Those that took it'),
      dueAt: z.iso.datetime(),
      sentAt: z.iso.datetime().optional(),
      attempts: z.int(),
      lastError: z.string().optional(),
    }),
  ),
});
