import { z } from 'zod';
import { listLimit, ownId, wellFormedText } from './edge';
import { actor, MAX_LIST } from './orders';

const ACTIONS = ['retry', 'give_up', 'dismiss'] as const;

/** Query of `GET /v1/exceptions`. */
export const listExceptionsQuery = z.strictObject({
  order: ownId.optional().describe('Only exceptions of this order, its refunds and its disputes'),
  limit: listLimit(MAX_LIST),
});

/** Path of everything under `/v1/exceptions/{id}`. */
export const exceptionParams = z.strictObject({
  exceptionId: z.string().regex(/^[1-9]\d{0,17}$/, "must be an exception's id, as the list of exceptions shows it"),
});

/** `POST /v1/exceptions/{id}/resolution` */
export const resolutionRequest = z.strictObject({
  action: z
    .enum(ACTIONS)
    .describe('retry: try again now · give_up: do not do it · dismiss: a person has done it by hand, do not retry'),
  note: wellFormedText(500).optional().describe('The reason, for the record: no personal data'),
  actor,
});

export const exceptionAnswer = z.object({
  exceptionId: z.string(),
  kind: z.string(),
  message: z.string(),
  owner: z.string(),
  orderId: z.string().nullable(),
  subjectType: z.string().nullable(),
  subjectId: z.string().nullable(),
  workflowId: z.string(),
  amountAtRisk: z.int().min(0).nullable().describe('Minor units'),
  currency: z.string().nullable(),
  raisedAt: z.iso.datetime(),
  resolution: z.enum(ACTIONS).nullable().describe('The last decision of a person'),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  resolvedAt: z.iso
    .datetime()
    .nullable()
    .describe('Null while it is open; where `decidedBy` is null, it ended by itself'),
  actions: z.array(z.enum(ACTIONS)).describe('Actions that are possible now'),
  elsewhere: z.string().optional().describe('The route that decides it, or what ends it by itself'),
});

export const exceptionsAnswer = z.object({ exceptions: z.array(exceptionAnswer) });
export const resolutionAnswer = z.object({ exceptionId: z.string(), action: z.enum(ACTIONS) });

export type ResolutionRequest = z.input<typeof resolutionRequest>;
