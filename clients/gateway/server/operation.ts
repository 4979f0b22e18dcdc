import type { FastifyBaseLogger } from 'fastify';
import type { z } from 'zod';
import type { CallOptions } from '../../client/options';
import type { Outcome } from './idempotency';

/** One request of an authenticated caller, not yet validated. */
export interface Call {
  /** From the path; empty where the path has none. */
  readonly orderId: string;
  /** Everything in the path, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly query: unknown;
  /** The caller, for the audit log: a fingerprint of the API key. */
  readonly actor: string;
  readonly options: CallOptions;
  readonly log: FastifyBaseLogger;
}

/** One route of the API: its handler and its documentation. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  /** In fastify's syntax, e.g. `/v1/orders/:orderId`. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly answers: Readonly<Record<number, readonly [description: string, schema: z.ZodType]>>;
  /** This route's own problems, by status; those of every route are added. */
  readonly problems: Readonly<Record<number, string>>;
  /** Validates the request and returns what runs it. @throws {ValidationError | Problem} what is wrong with the request */
  readonly prepare: (call: Call) => () => Promise<Outcome>;
}
