import type {
  Notice,
  NoticeData,
  NoticeKind,
  NoticeRecipient,
  QuietHours,
} from '../../workflows/domain/notice/notices';

/** A notice as the channels receive it. */
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

/** The outcome of handing a message over. `why` never names an address or a person, because it is stored and shown. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  /** Certainly not delivered; another try may succeed. */
  | { readonly outcome: 'not_delivered'; readonly why: string }
  /** Certainly not delivered, and another try would end the same way. */
  | { readonly outcome: 'refused'; readonly why: string }
  /** The message was handed over, but the answer was lost. */
  | { readonly outcome: 'unknown'; readonly why: string };

export type Refusal = Extract<Delivery, { readonly outcome: 'refused' }>;

/** A message that is ready to be handed over: the address is looked up and the template rendered. */
export interface PreparedMessage {
  /** Hands the message over. Never rejects: a failure is part of the outcome. */
  deliver(): Promise<Delivery>;
}

/** One way to send notices: mail, webhook or log. */
export interface NoticeChannel {
  readonly name: string;
  /** Does the receiver recognize a message that arrives twice? Only then may an unknown outcome be tried again. */
  readonly idempotent: boolean;
  /** Does this channel send notices of this kind to this recipient? */
  reaches(notice: Pick<NoticeToSend, 'kind' | 'recipient'>): boolean;
  /**
   * Does everything that comes before the hand-over.
   * @throws Error if a service that it needs does not answer. The relay tries again later and stores only the error's class
   */
  prepare(notice: NoticeToSend): Promise<PreparedMessage | Refusal>;
  /** Aborts what is under way, so that a shutdown does not wait. */
  close(): void;
}

/** The address of a customer or of the shop. Never stored: it is looked up for each message. */
export interface Contact {
  readonly email: string;
  readonly name?: string;
  /** BCP 47, from the customer's record at the provider. */
  readonly locale?: string;
}

/** Looks up the address of a recipient; undefined if there is none. */
export type FindContact = (recipient: NoticeRecipient) => Promise<Contact | undefined>;
