import { Webhook } from 'standardwebhooks';
import type { Delivery, NoticeChannel, NoticeToSend } from './channel';

/** Standard Webhooks asks senders to wait for 15 to 30 s; a receiver that takes longer should answer first and work later. */
const TIMEOUT_MS = 15_000;

/** The receiver wants nothing more of it. Source: Standard Webhooks specification, "Delivery headers and responses". */
const GONE = 410;

export interface WebhookChannelOptions {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
  /** For tests; the computer's clock otherwise. */
  readonly now?: () => Date;
}

/**
 * Tells the shop's own systems, signed as Standard Webhooks has it. The body is for programs and names no person:
 * `{type, subject, data, occurredAt}`. Every try carries the same `webhook-id`, by which the receiver knows a repetition;
 * so an answer that was lost is no doubt here: it is told again.
 *
 * @throws Error at once where the secret is no base64
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

/** What a receiver gets. */
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
    // A redirect could lead a signed body to somebody else.
    const response = await fetch(url, { ...init, signal, redirect: 'manual' });
    await response.body?.cancel();
    if (response.ok) return { outcome: 'delivered' };
    const why = `the receiver answered ${response.status}`;
    return { outcome: response.status === GONE ? 'refused' : 'not_delivered', why };
  } catch (error) {
    return { outcome: 'not_delivered', why: `the receiver did not answer: ${reasonOf(error)}` };
  }
}

/** A code and no message: messages of sockets carry addresses, and one day a URL with a secret in it. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  if ('cause' in error && typeof error.cause === 'object' && error.cause !== null && 'code' in error.cause) {
    return String(error.cause.code);
  }
  return 'name' in error ? String(error.name) : 'unknown';
}
