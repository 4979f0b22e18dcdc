import Stripe from 'stripe';
import { readEvent, unreadableEvent, type VerifiedEvent } from './events';

export { createEventLister, type EventLister, type VerifiedEvent } from './events';

/** Why a delivery was refused. All of them are answered with 400; none is stored. */
export type RejectionReason = 'missing_signature' | 'bad_signature' | 'stale' | 'future';

/** A delivery that is not to be believed. The message quotes nothing of the body or the header. */
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
  /** Oldest delivery that is believed, in seconds. */
  readonly toleranceSeconds?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Takes the body as it came over the wire: parsing and printing it again would break the signature. */
export type WebhookVerifier = (rawBody: Buffer, signatureHeader: string | undefined) => VerifiedEvent;

/** The default of Stripe's own libraries. Source: Stripe, "Prevent replay attacks". */
const DEFAULT_TOLERANCE_S = 300;
/** Clocks that NTP keeps differ by less; a timestamp from further ahead was made up to outlive the tolerance. */
const FUTURE_SKEW_S = 60;
/** The SDK is asked for the signature alone: it would let future timestamps pass, and says `stale` only in a sentence. */
const ANY_AGE_S = Number.MAX_SAFE_INTEGER;

/**
 * Checks signature and age of a delivery and reads its event.
 * Throws RangeError at once for no or blank secrets, or a tolerance that is no positive number: zero would switch the
 * check of age off. The verifier throws WebhookRejected. What is signed is kept whatever it says: the provider disables an
 * endpoint that refuses its events.
 */
export function createWebhookVerifier(options: WebhookVerifierOptions): WebhookVerifier {
  const toleranceSeconds = options.toleranceSeconds ?? DEFAULT_TOLERANCE_S;
  const now = options.now ?? Date.now;
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds <= 0) {
    throw new RangeError(`The tolerance of webhook signatures must be more than 0 seconds, not ${toleranceSeconds}`);
  }
  if (options.secrets.length === 0 || options.secrets.some((secret) => secret.trim() === '')) {
    throw new RangeError('Webhook signatures need at least one secret, and no blank one');
  }
  return (rawBody, header) => {
    if (header === undefined || header === '') {
      throw new WebhookRejected('missing_signature', 'The request has no Stripe-Signature header');
    }
    const signedAtS = timestampOf(header);
    const signatures = header.split(',').filter((part) => SIGNATURE.test(part));
    if (
      signedAtS === undefined ||
      signatures.length === 0 ||
      !options.secrets.some((secret) => isSigned(rawBody, `t=${signedAtS},${signatures.join()}`, secret))
    ) {
      throw new WebhookRejected('bad_signature', 'No signature of the request fits any of the configured secrets');
    }
    const ageS = now() / 1000 - signedAtS;
    if (ageS > toleranceSeconds) {
      throw new WebhookRejected(
        'stale',
        `The request was signed ${Math.round(ageS)} s ago, at most ${toleranceSeconds} s are allowed`,
      );
    }
    if (ageS < -FUTURE_SKEW_S) {
      throw new WebhookRejected('future', `The request was signed ${Math.round(-ageS)} s ahead of this server's clock`);
    }
    return eventOf(rawBody, new Date(now()));
  };
}

/** The SDK fails on other forms (empty, not hexadecimal) in ways of its own. */
const SIGNATURE = /^v1=[0-9a-f]{64}$/;

/** The one timestamp of a header; undefined where there is none, or several to choose from. */
function timestampOf(header: string): number | undefined {
  const stamps = header.split(',').filter((part) => part.startsWith('t='));
  const digits = stamps[0]?.slice(2) ?? '';
  return stamps.length === 1 && /^\d{1,12}$/.test(digits) ? Number(digits) : undefined;
}

function isSigned(rawBody: Buffer, header: string, secret: string): boolean {
  try {
    return Stripe.webhooks.signature?.verifyHeader(rawBody, header, secret, ANY_AGE_S) ?? false;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

function eventOf(rawBody: Buffer, now: Date): VerifiedEvent {
  try {
    return readEvent(JSON.parse(rawBody.toString('utf8')), now);
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'the signed body is no JSON' : 'the signed body cannot be read';
    return unreadableEvent(rawBody.toString('latin1'), undefined, reason, now);
  }
}
