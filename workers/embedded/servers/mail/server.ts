import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { assertPortFree, FIXED_PORTS, type PortMode } from '../ports';
import { Mailbox, type MailFaults, type ReceivedMail } from './mailbox';
import { answerMailRequest } from './page';

export interface MailServerOptions {
  readonly ports: PortMode;
  /** How many mails are kept; older ones are dropped. */
  readonly keep?: number;
}

/** The mail server of the embedded stack: accepts every mail and forwards none. */
export interface MailServer {
  /** For `SMTP_URL`. */
  readonly smtpUrl: string;
  /** A page with the mails, for people; `/mails` below it is JSON, for scripts. */
  readonly url: string;
  /** Oldest first. */
  mails(): readonly ReceivedMail[];
  setFaults(faults: MailFaults): void;
  /** Removes all mails. */
  clear(): void;
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
/** Enough for a week of trying things out; more would fill the memory. */
const KEEP = 500;
/** Notices have some kilobytes; a larger mail is not from Holdfast. */
const MAX_MAIL_BYTES = 1_048_576;
/** On close, clients that keep a connection open for the next mail are disconnected after this time. */
const CLOSE_MS = 200;

/**
 * Starts an SMTP server and a page that shows the received mails, both on the loopback address. Nothing is kept on disk.
 * @throws PortInUseError where a fixed port is taken
 */
export async function startMailServer(options: MailServerOptions): Promise<MailServer> {
  const isFixed = options.ports === 'fixed';
  if (isFixed)
    await Promise.all([assertPortFree('mail', FIXED_PORTS.smtp), assertPortFree('mail page', FIXED_PORTS.mail)]);
  const mailbox = new Mailbox(options.keep ?? KEEP);
  const smtp = smtpServer(mailbox);
  const page = createServer((request, response) => answerMailRequest(request, response, mailbox.mails));
  await Promise.all([
    listening((ready) => smtp.listen(isFixed ? FIXED_PORTS.smtp : 0, LOOPBACK, ready)),
    listening((ready) => page.listen(isFixed ? FIXED_PORTS.mail : 0, LOOPBACK, ready)),
  ]);
  const portOf = (address: AddressInfo | string | null): number => (address as AddressInfo).port;
  return {
    smtpUrl: `smtp://${LOOPBACK}:${portOf(smtp.server.address())}`,
    url: `http://${LOOPBACK}:${portOf(page.address())}`,
    mails: () => mailbox.mails,
    setFaults: (faults) => void (mailbox.faults = faults),
    clear: () => void mailbox.mails.splice(0),
    async stop() {
      page.closeAllConnections();
      await Promise.all([
        new Promise<void>((resolve) => smtp.close(resolve)),
        new Promise<void>((resolve) => page.close(() => resolve())),
      ]);
    },
  };
}

function smtpServer(mailbox: Mailbox): SMTPServer {
  const sockets = new Map<number | undefined, Socket>();
  const server = new SMTPServer({
    // On the loopback address neither authentication nor encryption is needed.
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: MAX_MAIL_BYTES,
    closeTimeout: CLOSE_MS,
    onRcptTo(_address, _session, answer) {
      answer(refusal(mailbox.faults.refuseRecipient));
    },
    onData(stream, session, answer) {
      take(stream, session).then(
        (refused) => refused !== 'dropped' && answer(refused),
        () => answer(refusal(451)),
      );
    },
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    const { remotePort } = socket;
    sockets.set(remotePort, socket);
    socket.once('close', () => sockets.delete(remotePort));
  });
  const take = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<Error | null | 'dropped'> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (stream.sizeExceeded) return refusal(552);
    const { refuseContent, dropAfterData, beforeAnswer } = mailbox.faults;
    if (refuseContent !== undefined) return refusal(refuseContent);
    const mail = await mailbox.receive(Buffer.concat(chunks), session);
    await beforeAnswer?.(mail);
    if (dropAfterData !== true) return null;
    sockets.get(session.remotePort)?.destroy();
    return 'dropped';
  };
  return server;
}

function refusal(responseCode: number | undefined): Error | null {
  return responseCode === undefined ? null : Object.assign(new Error('refused for a test'), { responseCode });
}

function listening(listen: (ready: () => void) => { once(event: 'error', listener: (error: Error) => void): unknown }) {
  return new Promise<void>((resolve, reject) => {
    listen(resolve).once('error', reject);
  });
}
