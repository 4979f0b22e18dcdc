import { createHash } from 'node:crypto';
import Stripe from 'stripe';

/** The API version that this code was written for; updating the SDK must not change answers unnoticed. */
export const STRIPE_API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

/**
 * An activity may run for 30 s. A request that hangs must end early enough that the activity can still look the outcome up
 * and report it, before its own time-out cuts it off.
 */
export const STRIPE_TIMEOUT_MS = 20_000;

export interface StripeClientOptions {
  readonly secretKey: string;
  /** Another server with Stripe's API, e.g. `http://127.0.0.1:4010`. Default: Stripe itself. */
  readonly apiUrl?: string;
}

/**
 * The Stripe SDK with Holdfast's settings. Temporal does the retries, so that each is visible in the history and survives a
 * crash. The SDK still repeats a request once, with the same idempotency key, if its connection was closed.
 * @throws TypeError if `apiUrl` is not the http(s) URL of a server's root
 */
export function createStripeClient(options: StripeClientOptions): Stripe {
  return new Stripe(options.secretKey, {
    apiVersion: STRIPE_API_VERSION,
    maxNetworkRetries: 0,
    timeout: STRIPE_TIMEOUT_MS,
    telemetry: false,
    appInfo: { name: 'holdfast' },
    ...(options.apiUrl === undefined ? {} : endpointOf(options.apiUrl)),
  });
}

/**
 * Names an account and its mode without revealing the key, e.g. `live-3f9a…`. Processes with different accounts can share a
 * Redis under this name. A new key of the same account only empties the cache.
 */
export function accountScope({ secretKey, apiUrl = '' }: StripeClientOptions): string {
  const mode = /^(sk|rk)_live_/.test(secretKey) ? 'live' : 'test';
  return `${mode}-${createHash('sha256').update(`${apiUrl}\n${secretKey}`).digest('hex').slice(0, 16)}`;
}

function endpointOf(apiUrl: string): { protocol: 'http' | 'https'; host: string; port: string } {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  if (url === undefined) throw new TypeError('STRIPE_API_URL must be a URL, e.g. http://127.0.0.1:4010');
  const protocol = url.protocol.slice(0, -1);
  if (protocol !== 'http' && protocol !== 'https') {
    throw new TypeError(`STRIPE_API_URL must begin with http:// or https://, not ${url.protocol}`);
  }
  if (url.pathname !== '/' || url.search !== '') {
    throw new TypeError('STRIPE_API_URL must name a server only: the SDK adds the path, e.g. http://127.0.0.1:4010');
  }
  const port = url.port === '' ? (protocol === 'https' ? '443' : '80') : url.port;
  return { protocol, host: url.hostname, port };
}
