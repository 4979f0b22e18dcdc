import type {
  Notice,
  NoticeData,
  NoticeKind,
  NoticeRecipient,
  QuietHours,
} from '../../workflows/domain/notice/notices';

/** A notice as channels get it. */
export interface NoticeToSend {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly subject: Notice['subject'];
  readonly recipient: NoticeRecipient;
  readonly data: NoticeData;
  /** UTC ISO string. */
  readonly dueAt: string;
  /** Its time zone is the customer's. */
  readonly quietHours?: QuietHours;
}

/** What became of a message that was handed over. No `why` names an address or a person: it is kept and shown. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  /** Certainly not taken; another try may succeed. */
  | { readonly outcome: 'not_delivered'; readonly why: string }
  /** Certainly not taken, and another try would end the same. */
  | { readonly outcome: 'refused'; readonly why: string }
  /** Handed over, and the answer was lost. */
  | { readonly outcome: 'unknown'; readonly why: string };

export type Refusal = Extract<Delivery, { readonly outcome: 'refused' }>;

/** A message with everything that could fail before anybody is told: addresses looked up, templates rendered. */
export interface PreparedMessage {
  /** Hands it over. Never rejects: what failed is told by the outcome. */
  deliver(): Promise<Delivery>;
}

/** One way in which notices are told. */
export interface NoticeChannel {
  readonly name: string;
  /** Is a message that is handed over twice taken once by the other side? Only then is an unknown outcome tried again. */
  readonly idempotent: boolean;
  /** Are notices of this kind, to such a recipient, told in this way? */
  reaches(notice: Pick<NoticeToSend, 'kind' | 'recipient'>): boolean;
  /**
   * Everything that comes before the hand-over.
   * @throws Error where something needed does not answer; it is tried again later, and only the error's class is kept
   */
  prepare(notice: NoticeToSend): Promise<PreparedMessage | Refusal>;
  /** Ends at once what is under way: nobody is kept waiting at shutdown. */
  close(): void;
}

/** The customer's or the shop's address, for as long as one message takes. */
export interface Contact {
  readonly email: string;
  readonly name?: string;
  /** BCP 47, as the customer has it at the provider. */
  readonly locale?: string;
}

/** Looks up whom a notice goes to; undefined where nobody can be reached. */
export type FindContact = (recipient: NoticeRecipient) => Promise<Contact | undefined>;
