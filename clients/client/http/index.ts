/** The package's second entry: the same verbs over the HTTP gateway. It imports no Temporal. */
export { createHoldfastHttpClient } from './client';
export type { ExceptionAnswer, HoldfastHttpClient } from './client';
export type { HoldfastHttpClientOptions } from './transport';
export type { ExceptionShown, ReadingVerbs } from './reading';
export { Misconfigured, OutcomePending, ServiceUnavailable, UnexpectedAnswer, ValidationError } from '../errors';
export type * from '../types';
