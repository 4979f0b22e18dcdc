import { Webhook } from 'standardwebhooks';
import type { Delivery, NoticeChannel, NoticeToSend } from './channel';

/** Standard Webhooks asks senders to wait 15 to 30 s; a slower receiver should answer first and work afterwards. */
const TIMEOUT_MS = 15_000;

/** The receiver wants no further messages. Source: Standard Webhooks specification, "Delivery headers and responses". */
const GONE = 410;

export interface WebhookChannelOptions {
  readonly url: string;
  /** `whsec_` followed by base64. */
  readonly secret: string;
  /** For tests; the computer's clock otherwise. */
  readonly now?: () => Date;
}

/**
 * Sends notices to the shop's own systems, signed as Standard Webhooks defines it. The body names no person:
 * `{type, subject, data, occurredAt}`. Every try carries the same `webhook-id`, by which the receiver recognizes a repeated
 * message; so a notice whose answer was lost is simply sent again.
 *
 * @throws Error at once if the secret is not base64
 */
export function webhookChannel(options: WebhookChannelOptions): NoticeChannel {
  const webhook = new Webhook(options.secret);
  const now = options.now ?? (() => new Date());
  const closing = new AbortController();
  return {
    name: 'webhook',
    idempotent: true,
    reaches: () => true,
    async prepare(notice) {
      const body = webhookBody(notice);
      return {
        deliver() {
          const at = now();
          const headers = {
            'content-type': 'application/json',
            'user-agent': 'holdfast',
            'webhook-id': notice.noticeKey,
            'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
            'webhook-signature': webhook.sign(notice.noticeKey, at, body),
          };
          return post(options.url, { method: 'POST', headers, body }, closing.signal);
        },
      };
    },
    close: () => closing.abort(),
  };
}

/** The body of a webhook. */
export interface WebhookPayload extends Pick<NoticeToSend, 'subject' | 'data'> {
  readonly type: NoticeToSend['kind'];
  /** UTC ISO string. */
  readonly occurredAt: string;
}

function webhookBody({ kind, subject, data, dueAt }: NoticeToSend): string {
  const payload: WebhookPayload = { type: kind, subject, data, occurredAt: dueAt };
  return JSON.stringify(payload);
}

async function post(url: string, init: RequestInit, closing: AbortSignal): Promise<Delivery> {
  const signal = AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    // A redirect could send a signed body to a third party.
    const response = await fetch(url, { ...init, signal, redirect: 'manual' });
    await response.body?.cancel();
    if (response.ok) return { outcome: 'delivered' };
    const why = `the receiver answered ${response.status}`;
    return { outcome: response.status === GONE ? 'refused' : 'not_delivered', why };
  } catch (error) {
    return { outcome: 'not_delivered', why: `the receiver did not answer: ${reasonOf(error)}` };
  }
}

/** The error's code or name, never its message: a message can contain an address or a URL with a secret. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  if ('cause' in error && typeof error.cause === 'object' && error.cause !== null && 'code' in error.cause) {
    return String(error.cause.code);
  }
  return 'name' in error ? String(error.name) : 'unknown';
}
