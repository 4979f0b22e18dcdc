import type { Account } from '../state/account';
import type { RequestCause } from '../state/model';
import type { Parsed, Shape } from './schema';

/** The input of a handler: the account, the ids in the path and the validated parameters. */
export interface RequestContext<S extends Shape> {
  readonly account: Account;
  readonly ids: readonly string[];
  readonly params: Parsed<S>;
  readonly cause: RequestCause;
}

/** A route of the API. Validation by `shape` comes first and is never kept by the idempotency store. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/v1/customers/:id`; each `:name` becomes one of `ids`, in order. */
  readonly path: string;
  readonly shape: Shape;
  readonly handle: (context: RequestContext<Shape>) => object;
}

/** Ties a handler to its shape, so that the handler sees the parameters typed. */
export function route<S extends Shape>(
  method: Route['method'],
  path: string,
  shape: S,
  handle: (context: RequestContext<S>) => object,
): Route {
  // Safe: the router parses with this very shape before it calls.
  return { method, path, shape, handle: handle as unknown as Route['handle'] };
}
