import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { createTransport, type SendMailOptions } from 'nodemailer';
import type { NoticeKind } from '../../workflows/domain/notice/notices';
import type { Delivery, FindContact, NoticeChannel, NoticeToSend } from './channel';
import type { RenderNotice } from './templates';

/** Within the limits of shared mail servers. A relay hands over as many at once, so no notice waits for a connection while it counts as being sent. */
export const SMTP_CONNECTIONS = 10;

const CONNECT_MS = 10_000;
const GREETING_MS = 10_000;
/** RFC 5321 allows a server minutes after DATA, but a server that is silent for this long usually hangs. */
const SILENCE_MS = 30_000;
/** For one message in all, even if the server answers a few bytes at a time. Well below a relay's lease. */
const DELIVERY_MS = 60_000;

export interface SmtpChannelOptions {
  /** `smtp://` or `smtps://`, with user and password if the server requires them. */
  readonly url: string;
  /** `Name <address>` or an address. */
  readonly from: string;
  readonly findContact: FindContact;
  readonly render: RenderNotice;
  /** Is an address of the shop's own people configured? */
  readonly reachesShop: boolean;
  /** Kinds that are not mailed because the shop sends its own mails. */
  readonly off?: readonly NoticeKind[];
}

/**
 * Sends notices by e-mail. SMTP does not recognize a repeated message: if the answer is lost, the message may be in the
 * mailbox or not, so its outcome is `unknown` and the relay never sends it again by itself.
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
        // An object, because a string is parsed as a list: a comma in it would add a recipient.
        to: { name: '', address: contact.email },
        subject,
        text,
        html,
        messageId: messageIdOf(notice, from),
        // Keeps automatic replies away (RFC 3834). Mail filters can use the kind.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Holdfast-Notice': notice.kind },
      };
      return { deliver: () => handOver.send(message) };
    },
    close: () => handOver.close(),
  };
}

/** Made of the notice's key, so that every process gives the same notice the same Message-ID. */
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
    // Only the relay decides to send again, because it records what was sent.
    maxRequeues: 0,
    connectionTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  /** The content of each message under way. It is read only once the server has agreed to accept it. */
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
  // The pool replaces an idle connection that breaks; without a listener its error would end the process.
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

/** nodemailer's error. Its message quotes addresses, so only the codes are used. */
interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/**
 * The outcome of a failed hand-over. An answer of the server decides it; without one, it depends on whether the server had
 * begun to read the content. A refusal of the recipient or of the content is permanent. A refusal of the session (a wrong
 * password, a sender that is not allowed) is a matter of configuration: the notice waits until somebody corrects it.
 */
function deliveryOf(error: unknown, contentWasRead: boolean): Delivery {
  const { code = 'unknown', command = '', responseCode, response = '' } = error as SmtpError;
  if (responseCode !== undefined) {
    const enhanced = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
    const why = `the mail server answered ${[responseCode, enhanced].filter(Boolean).join(' ')} at ${command || 'the start'}`;
    return { outcome: isPermanent(responseCode, command) ? 'refused' : 'not_delivered', why };
  }
  if (contentWasRead) {
    return { outcome: 'unknown', why: `the mail server had the message, but its answer was lost (${code})` };
  }
  if (code === 'EENVELOPE') return { outcome: 'refused', why: 'the e-mail address cannot be used' };
  return { outcome: 'not_delivered', why: `the mail server could not be reached (${code})` };
}

/** Source: RFC 5321, 4.2.1. 503 is about the session's state, not about the message. */
function isPermanent(responseCode: number, command: string): boolean {
  return responseCode >= 500 && responseCode !== 503 && (command === 'RCPT TO' || command === 'DATA');
}
