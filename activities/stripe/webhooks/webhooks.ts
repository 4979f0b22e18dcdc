import { createHmac, timingSafeEqual } from 'node:crypto';
import { readEvent, unreadableEvent, type VerifiedEvent } from './events';

export { createEventLister, isName, type EventLister, type VerifiedEvent } from './events';

/** Why a delivery was refused. A refused delivery is answered with 400 and not stored. */
export type RejectionReason = 'missing_signature' | 'bad_signature' | 'stale' | 'future';

/** A delivery that cannot be trusted. The message quotes neither body nor header. */
export class WebhookRejected extends Error {
  constructor(
    readonly reason: RejectionReason,
    message: string,
  ) {
    super(message);
    this.name = 'WebhookRejected';
  }
}

export interface WebhookVerifierOptions {
  /** Signing secrets; several while one is being rotated. */
  readonly secrets: readonly string[];
  /** The greatest age of a signature that is accepted, in seconds. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Needs the body exactly as it was received: parsing and serializing it again would break the signature. */
export type WebhookVerifier = (rawBody: Buffer, signatureHeader: string | undefined) => VerifiedEvent;

/** The default of Stripe's own libraries. Source: Stripe, "Prevent replay attacks". */
const DEFAULT_TOLERANCE_S = 300;
/** Clocks kept by NTP differ by less; a timestamp further in the future was forged to outlive the tolerance. */
const FUTURE_SKEW_S = 60;

/**
 * Checks signature and age of a delivery and reads its event. The verifier throws WebhookRejected. A signed event is accepted
 * whatever it contains, because the provider disables an endpoint that refuses its events.
 * @throws RangeError at once if there is no secret, a secret is blank, or the tolerance is not a positive number: zero would
 *   disable the check of the age
 */
export function createWebhookVerifier(options: WebhookVerifierOptions): WebhookVerifier {
  const toleranceSeconds = options.toleranceSeconds ?? DEFAULT_TOLERANCE_S;
  const now = options.now ?? Date.now;
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds <= 0) {
    throw new RangeError(`The tolerance of webhook signatures must be more than 0 seconds, not ${toleranceSeconds}`);
  }
  if (options.secrets.length === 0 || options.secrets.some((secret) => secret.trim() === '')) {
    throw new RangeError('Webhook signatures need at least one secret, and no secret may be blank');
  }
  return (rawBody, header) => {
    if (header === undefined || header === '') {
      throw new WebhookRejected('missing_signature', 'The request has no Stripe-Signature header');
    }
    const signedAt = timestampOf(header);
    const signatures = header.split(',').filter((part) => SIGNATURE.test(part));
    if (signedAt === undefined || !options.secrets.some((secret) => isSigned(rawBody, signedAt, signatures, secret))) {
      throw new WebhookRejected('bad_signature', 'No signature of the request matches any of the configured secrets');
    }
    const ageS = now() / 1000 - Number(signedAt);
    if (ageS > toleranceSeconds) {
      throw new WebhookRejected(
        'stale',
        `The request was signed ${Math.round(ageS)} s ago; at most ${toleranceSeconds} s are allowed`,
      );
    }
    if (ageS < -FUTURE_SKEW_S) {
      throw new WebhookRejected('future', `The request was signed ${Math.round(-ageS)} s ahead of this server's clock`);
    }
    return eventOf(rawBody, new Date(now()));
  };
}

const SIGNATURE = /^v1=[0-9a-f]{64}$/;

/** The timestamp of a header, in seconds, as it was signed; undefined if there is none or more than one. */
function timestampOf(header: string): string | undefined {
  const stamps = header.split(',').filter((part) => part.startsWith('t='));
  const digits = stamps[0]?.slice(2) ?? '';
  return stamps.length === 1 && /^\d{1,12}$/.test(digits) ? digits : undefined;
}

/**
 * Not done by the SDK, because it decodes the body as UTF-8 first and rejects a valid signature if that changes a byte. Source:
 * Stripe, "Verify webhook signatures manually".
 */
function isSigned(rawBody: Buffer, signedAt: string, signatures: readonly string[], secret: string): boolean {
  const expected = createHmac('sha256', secret).update(`${signedAt}.`).update(rawBody).digest();
  return signatures.some((one) => timingSafeEqual(Buffer.from(one.slice('v1='.length), 'hex'), expected));
}

/** Keeps a byte order mark, so that parsing fails on it. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function eventOf(rawBody: Buffer, now: Date): VerifiedEvent {
  const unreadable = (reason: string): VerifiedEvent =>
    unreadableEvent(rawBody.toString('latin1'), undefined, reason, now);
  let text: string;
  try {
    text = UTF8.decode(rawBody);
  } catch {
    return unreadable('the signed body is not UTF-8');
  }
  try {
    return readEvent(JSON.parse(text), now);
  } catch (error) {
    return unreadable(error instanceof SyntaxError ? 'the signed body is no JSON' : 'the signed body cannot be read');
  }
}
