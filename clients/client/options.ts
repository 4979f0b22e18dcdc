export interface CallOptions {
  /** The same key means the same request: it joins the running one or gets its answer. A new intent needs a new key. */
  readonly idempotencyKey?: string;
}
