import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { NoticeKind } from '../../workflows/domain/notice/notices';
import type { Delivery, FindContact, NoticeChannel, NoticeToSend } from './channel';
import type { RenderNotice } from './templates';

/** Small enough for the limits of shared mail servers, and as many as a relay hands over at once: none waits marked as sent. */
export const SMTP_CONNECTIONS = 10;

const CONNECT_MS = 10_000;
const GREETING_MS = 10_000;
/** RFC 5321 allows a server minutes after DATA; one that is silent for this long has mostly hung. */
const SILENCE_MS = 30_000;
/** For one message in all, also where a server trickles its answers. Well below a relay's lease. */
const DELIVERY_MS = 60_000;

export interface SmtpChannelOptions {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly url: string;
  /** `Name <address>` or an address. */
  readonly from: string;
  readonly findContact: FindContact;
  readonly render: RenderNotice;
  /** Is there an address for the shop's own people? */
  readonly reachesShop: boolean;
  /** Kinds that are not mailed: the shop sends mails of its own. */
  readonly off?: readonly NoticeKind[];
}

/**
 * Tells by e-mail. SMTP knows no repetition: a message whose answer was lost may be in the mailbox or not, so it is told
 * as unknown and never sent again. The Message-ID is made of the notice's key, so a mailbox can tell one notice from another.
 */
export function smtpChannel(options: SmtpChannelOptions): NoticeChannel {
  const { url, from, findContact, render, reachesShop } = options;
  const off = new Set(options.off);
  const handOver = mailer(url);
  return {
    name: 'smtp',
    idempotent: false,
    reaches: ({ kind, recipient }) => !off.has(kind) && (recipient.to !== 'shop' || reachesShop),
    async prepare(notice) {
      const contact = await findContact(notice.recipient);
      if (contact === undefined) return { outcome: 'refused', why: 'there is no e-mail address' };
      const { subject, text, html } = await render(notice, contact);
      const message: SendMailOptions = {
        from,
        // As an object: a string would be read as a list, and a comma in it as one more recipient.
        to: { name: '', address: contact.email },
        subject,
        text,
        html,
        messageId: messageIdOf(notice, from),
        // No holiday notes in return (RFC 3834). The kind is for filters: subjects are for people.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Holdfast-Notice': notice.kind },
      };
      return { deliver: () => handOver.send(message) };
    },
    close: () => handOver.close(),
  };
}

/** The same notice has the same Message-ID, whoever sends it. */
export function messageIdOf({ noticeKey }: Pick<NoticeToSend, 'noticeKey'>, from: string): string {
  const domain = /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? 'holdfast.invalid';
  return `<${createHash('sha256').update(noticeKey).digest('hex').slice(0, 32)}@${domain}>`;
}

interface Mailer {
  send(message: SendMailOptions): Promise<Delivery>;
  close(): void;
}

function mailer(url: string): Mailer {
  const transport = createTransport({
    pool: true,
    url,
    maxConnections: SMTP_CONNECTIONS,
    // Sending again is the relay's decision: it knows what was written down.
    maxRequeues: 0,
    connectionTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  /** The content of each message under way. It is read when the server has agreed to take it, and not before. */
  const contents = new Map<string, Readable>();
  transport.use('stream', (mail, done) => {
    const { message, data } = mail;
    const create = message.createReadStream.bind(message);
    message.createReadStream = (...args) => {
      const content = create(...args);
      contents.set(String(data.messageId), content);
      return content;
    };
    done();
  });
  // A connection that breaks while nobody uses it is replaced by itself.
  transport.on('error', () => undefined);
  const closing = new AbortController();
  return {
    async send(message) {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(DELIVERY_MS)]);
      const key = String(message.messageId);
      try {
        await transport.sendMail({ ...message, signal });
        return { outcome: 'delivered' };
      } catch (error) {
        return deliveryOf(error, contents.get(key)?.readableDidRead === true);
      } finally {
        contents.delete(key);
      }
    },
    close() {
      closing.abort();
      transport.close({ force: true });
    },
  };
}

/** What the server answered, as nodemailer tells it. Its messages quote addresses, so only codes are kept. */
interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/**
 * What a failed hand-over means. An answer is definite, whatever it is; without one it counts whether the server had agreed to
 * take the content. Refusals of the recipient or of the content are for good; those of the session (a wrong password, a sender
 * who may not send) are a matter of configuration, which is mended while the notice waits.
 */
function deliveryOf(error: unknown, contentWasRead: boolean): Delivery {
  const { code = 'unknown', command = '', responseCode, response = '' } = error as SmtpError;
  if (responseCode !== undefined) {
    const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
    const why = `the mail server answered ${[responseCode, enhanced].filter(Boolean).join(' ')} at ${command || 'the start'}`;
    return { outcome: isForGood(responseCode, command) ? 'refused' : 'not_delivered', why };
  }
  if (contentWasRead) {
    return { outcome: 'unknown', why: `the mail server had the message, and its answer was lost (${code})` };
  }
  if (code === 'EENVELOPE') return { outcome: 'refused', why: 'the e-mail address cannot be used' };
  return { outcome: 'not_delivered', why: `the mail server could not be reached (${code})` };
}

/** Source: RFC 5321, 4.2.1. 503 tells of the session's state and not of the message. */
function isForGood(responseCode: number, command: string): boolean {
  return responseCode >= 500 && responseCode !== 503 && (command === 'RCPT TO' || command === 'DATA');
}
