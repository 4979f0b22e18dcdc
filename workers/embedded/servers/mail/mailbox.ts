import PostalMime from 'postal-mime';
import type { SMTPServerSession } from 'smtp-server';

/** A mail as it was received and parsed. */
export interface ReceivedMail {
  /** Counts from 1. */
  readonly id: number;
  /** UTC ISO string. */
  readonly receivedAt: string;
  readonly from: string;
  /** The recipients of the envelope, who really get the mail. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Faults for the mails to come. */
export interface MailFaults {
  /** Reply code for every recipient, e.g. 550. */
  readonly refuseRecipient?: number;
  /** Reply code after the content was sent, e.g. 451. */
  readonly refuseContent?: number;
  /** The mail is kept, but the connection is closed before the sender gets an answer. */
  readonly dropAfterData?: boolean;
  /** Runs once a mail is kept and before the sender gets an answer. */
  readonly beforeAnswer?: (mail: ReceivedMail) => void | Promise<void>;
}

/** The newest mails, and the faults for the next ones. */
export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  faults: MailFaults = {};
  private count = 0;

  constructor(private readonly keep: number) {}

  async receive(content: Buffer, session: SMTPServerSession): Promise<ReceivedMail> {
    const parsed = await PostalMime.parse(content);
    this.count += 1;
    const mail: ReceivedMail = {
      id: this.count,
      receivedAt: new Date().toISOString(),
      from: parsed.from?.address ?? '',
      to: session.envelope.rcptTo.map(({ address }) => address),
      subject: parsed.subject ?? '',
      text: parsed.text ?? '',
      html: parsed.html ?? '',
      messageId: parsed.messageId ?? '',
      headers: Object.fromEntries(parsed.headers.map(({ key, value }) => [key, value])),
    };
    this.mails.push(mail);
    this.mails.splice(0, this.mails.length - this.keep);
    return mail;
  }
}
