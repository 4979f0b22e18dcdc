import type { FastifyBaseLogger } from 'fastify';
import type { z } from 'zod';
import type { CallOptions } from '../../client/options';
import type { Outcome } from './idempotency';

/** One request of an authenticated caller, read but not yet understood. */
export interface Call {
  /** From the path; empty where the path has none. */
  readonly orderId: string;
  /** Everything in the path, by name. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly query: unknown;
  /** Who asks, for the audit log: a fingerprint of the API key. */
  readonly actor: string;
  readonly options: CallOptions;
  readonly log: FastifyBaseLogger;
}

/** One route of the API: how it is served, and what its documentation is made of. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  /** With parameters as fastify writes them. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly answers: Readonly<Record<number, readonly [description: string, schema: z.ZodType]>>;
  /** Statuses of the problems that are this route's own; those of every route are added. */
  readonly problems: Readonly<Record<number, string>>;
  /** Understands the request (throws what is wrong with it, at once) and returns what is to be done. */
  readonly prepare: (call: Call) => () => Promise<Outcome>;
}
