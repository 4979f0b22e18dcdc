export interface CallOptions {
  /** The same key again is the same request: it joins what is under way or gets the first answer. A new intent wants a new key. */
  readonly idempotencyKey?: string;
}
