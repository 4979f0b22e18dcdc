import { createHash } from 'node:crypto';
import Stripe from 'stripe';

/** The version that this code was written against; a newer SDK must not change answers unseen. */
export const STRIPE_API_VERSION = '2026-10-28.endive' satisfies Stripe.LatestApiVersion;

/**
 * An activity may run for 30 s: a request that hangs must end early enough for the activity to look the outcome up and
 * to say what it knows, instead of being cut off by its own time-out.
 */
export const STRIPE_TIMEOUT_MS = 20_000;

export interface StripeClientOptions {
  readonly secretKey: string;
  /** Another Stripe-shaped server, e.g. `http://127.0.0.1:4010`; Stripe itself where absent. */
  readonly apiUrl?: string;
}

/**
 * The SDK as Holdfast uses it. Retries are Temporal's, so that each is seen in the history and survives a crash; the
 * SDK still sends a request once more whose connection was closed, with the same idempotency key.
 * Throws TypeError where `apiUrl` is no http(s) URL of a server's root.
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
 * Names an account and its mode without telling the key, e.g. `live-3f9a…`: for what is shared with other processes, which may
 * have another account. A new key of the same account only makes a cache cold.
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
