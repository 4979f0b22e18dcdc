import { z } from 'zod';
import { listLimit, ownId } from './edge';
import { actor, MAX_LIST } from './orders';

const STATUSES = ['queued', 'sending', 'sent', 'canceled', 'expired', 'in_doubt', 'failed'] as const;
const SUBJECTS = ['order', 'refund', 'dispute', 'subscription', 'settlement', 'exception'] as const;

/** Query of `GET /v1/notices`. */
export const listNoticesQuery = z.strictObject({
  order: ownId.optional().describe("An order's id; includes the notices of its refunds and disputes"),
  refund: ownId.optional(),
  dispute: ownId.optional(),
  subscription: ownId.optional(),
  status: z.enum(STATUSES).optional(),
  limit: listLimit(MAX_LIST),
});

export type ListNoticesQuery = z.output<typeof listNoticesQuery>;

/** Path of everything under `/v1/notices/{key}`. */
export const noticeParams = z.strictObject({
  noticeKey: z.string().regex(/^[\x21-\x7e]{1,200}$/, "must be a notice's key, as the list of notices shows it"),
});

/** `POST /v1/notices/{key}/resend` */
export const sendNoticeAgainRequest = z.strictObject({ actor });

export const noticeAnswer = z.object({
  noticeKey: z.string(),
  kind: z.string(),
  subject: z.object({ type: z.enum(SUBJECTS), id: z.string(), orderId: z.string().optional() }),
  status: z
    .enum(STATUSES)
    .describe('in_doubt: it was handed over, but the answer was lost; it is sent again only if a person asks for it'),
  channels: z.array(z.string()).describe('Channels that have confirmed it'),
  dueAt: z.iso.datetime(),
  sentAt: z.iso.datetime().optional(),
  attempts: z.int(),
  lastError: z.string().optional(),
  overtakenAt: z.iso.datetime().optional().describe('Since when its contents are outdated; it is not sent again'),
  askedAgain: z
    .object({ at: z.iso.datetime(), by: z.string() })
    .optional()
    .describe('A person asked for it to be sent again'),
});

export const noticesAnswer = z.object({ notices: z.array(noticeAnswer) });
