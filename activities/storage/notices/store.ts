import type { Pool } from 'pg';
import type {
  Notice,
  NoticeData,
  NoticeKind,
  NoticeRecipient,
  NoticeStatus,
  NoticeSubjectType,
  NoticeView,
  QuietHours,
  SendNoticeAgainAnswer,
} from '../../../workflows/domain/notice/notices';
import { hasExpired } from '../../../workflows/domain/notice/timing';
import { run, transact } from '../postgres/database';
import { utc } from '../orders/record';
import { statement } from '../postgres/statements';

const sql = {
  claim: statement('notices-claim'),
  begin: statement('notice-begin'),
  record: statement('notice-record'),
  list: statement('notices-list'),
  count: statement('notices-count'),
  lock: statement('notice-lock'),
  again: statement('notice-again'),
};

/** A page for people; a larger one would occupy a connection for a whole export. */
const MAX_ROWS = 500;
const MAX_ERROR_LENGTH = 500;

/** The outcome of a notice in each channel that has finished with it. A channel is in at most one list. */
export interface ChannelStates {
  /** Delivered. */
  readonly done: readonly string[];
  /** Permanently refused, or given up. */
  readonly failed: readonly string[];
  /** Unknown whether it was delivered; another try could send it twice. */
  readonly inDoubt: readonly string[];
}

/** A notice that one relay has claimed until its lease ends. */
export interface ClaimedNotice extends ChannelStates {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly subject: Notice['subject'];
  readonly recipient: NoticeRecipient;
  readonly data: NoticeData;
  readonly dueAt: string;
  readonly expiresAt?: string;
  readonly quietHours?: QuietHours;
  readonly queuedAt: Date;
  /** How often it was tried so far. */
  readonly attempts: number;
  /** The channel to which a relay was handing it over when the relay died. */
  readonly sendingTo?: string;
  readonly lastError?: string;
  /** When a person asked to send it again. */
  readonly askedAgainAt?: Date;
  /** What it says is no longer true: it must not be sent to anybody else. */
  readonly isOvertaken: boolean;
  /** The end of the lease. It is unique among the claims of a notice and so identifies this claim. */
  readonly leaseUntil: Date;
}

/** The result that a relay records for a claimed notice. */
export interface NoticeOutcome extends ChannelStates {
  /** `queued`: more is to be done, under this lease or later. */
  readonly status: Exclude<NoticeStatus, 'sending' | 'canceled'>;
  /** For `queued`: the time of the next try. Absent: the lease stays. */
  readonly nextAttemptAt?: Date;
  /** Tries to count that `begin` did not count. */
  readonly tries?: number;
  /** No address and no other personal data. */
  readonly error?: string;
}

/** A filter for lists of notices. */
export interface ListNotices {
  readonly subject?: { readonly type: NoticeSubjectType; readonly id: string };
  readonly orderId?: string;
  readonly status?: NoticeStatus;
  readonly limit: number;
}

/** Statuses of notices that still wait or need attention. */
export type OpenNoticeStatus = Extract<NoticeStatus, 'queued' | 'sending' | 'in_doubt' | 'failed'>;

/** The queue of notices. */
export interface NoticeStore {
  /** Claims due notices, oldest first, including those whose relay has died. */
  claimDue(limit: number, leaseMs: number): Promise<ClaimedNotice[]>;
  /**
   * Must be called before a notice is handed to a channel. Returns the notice under a new lease; undefined if another relay has
   * claimed it or it was cancelled, and then it must not be sent.
   */
  begin(notice: ClaimedNotice, channel: string, tries: number, leaseMs: number): Promise<ClaimedNotice | undefined>;
  /** False if another relay has claimed the notice or it was cancelled; then nothing is changed. */
  record(notice: ClaimedNotice, outcome: NoticeOutcome): Promise<boolean>;
  /** Newest first. */
  listNotices(filter: ListNotices): Promise<NoticeView[]>;
  /** Counts the notices that still wait or need attention. */
  countOpen(): Promise<Readonly<Record<OpenNoticeStatus, number>>>;
  /** Sends a notice that failed or is in doubt again, at a person's request, through the channels that have not certainly delivered it. */
  sendAgain(noticeKey: string, actor: string): Promise<SendNoticeAgainAnswer>;
}

export interface NoticeStoreDeps {
  readonly pool: Pool;
  /** Default: the system's clock. It must be the clock that `queueNotice` gets. */
  readonly now?: () => Date;
}

/** The notices in Postgres. */
export function createNoticeStore({ pool, now = () => new Date() }: NoticeStoreDeps): NoticeStore {
  const after = (ms: number): Date => new Date(now().getTime() + ms);
  return {
    async claimDue(limit, leaseMs) {
      return (await run<ClaimRow>(pool, sql.claim, [now(), limit, after(leaseMs)])).map(claimedNotice);
    },
    async begin(notice, channel, tries, leaseMs) {
      const leaseUntil = after(leaseMs);
      const mine = await run(pool, sql.begin, [notice.noticeKey, notice.leaseUntil, channel, leaseUntil, tries]);
      return mine.length > 0 ? { ...notice, leaseUntil } : undefined;
    },
    async record(notice, { status, done, failed, inDoubt, nextAttemptAt, tries, error }) {
      const channels = [done, failed, inDoubt];
      const next = nextAttemptAt ?? notice.leaseUntil;
      const why = error?.slice(0, MAX_ERROR_LENGTH) ?? null;
      const key = [notice.noticeKey, notice.leaseUntil];
      return (await run(pool, sql.record, [...key, status, ...channels, next, tries ?? 0, now(), why])).length > 0;
    },
    async listNotices({ subject, orderId, status, limit }) {
      const rows = Math.min(limit, MAX_ROWS);
      const filter = [subject?.type ?? null, subject?.id ?? null, orderId ?? null, status ?? null];
      return (await run<ViewRow>(pool, sql.list, [...filter, rows])).map(viewOf);
    },
    async countOpen() {
      const counts = { queued: 0, sending: 0, in_doubt: 0, failed: 0 };
      for (const row of await run<{ status: OpenNoticeStatus; count: number }>(pool, sql.count, [])) {
        counts[row.status] = row.count;
      }
      return counts;
    },
    sendAgain: (noticeKey, actor) => sendAgain(pool, noticeKey, actor, now()),
  };
}

interface LockedRow {
  readonly status: NoticeStatus;
  readonly dueAt: Date;
  readonly expiresAt: Date | null;
  readonly queuedAt: Date;
  readonly overtakenAt: Date | null;
}

async function sendAgain(pool: Pool, noticeKey: string, actor: string, now: Date): Promise<SendNoticeAgainAnswer> {
  return transact(pool, async (tx) => {
    const [row] = await tx.query<LockedRow>(sql.lock, [noticeKey]);
    if (row === undefined) return { accepted: false, reason: 'unknown_notice' };
    const { status, dueAt, expiresAt, queuedAt, overtakenAt } = row;
    if (status !== 'in_doubt' && status !== 'failed') return { accepted: false, reason: 'not_in_doubt', status };
    const until = { dueAt: utc(dueAt), ...(expiresAt !== null && { expiresAt: utc(expiresAt) }) };
    if (overtakenAt !== null || hasExpired(until, queuedAt.getTime(), now.getTime())) {
      return { accepted: false, reason: 'no_longer_true' };
    }
    const [again] = await tx.query<ViewRow>(sql.again, [noticeKey, now, actor]);
    if (again === undefined) throw new Error(`notice ${noticeKey} has disappeared although it was locked`);
    return { accepted: true, notice: viewOf(again) };
  });
}

interface SubjectRow {
  readonly subjectType: NoticeSubjectType;
  readonly subjectId: string;
  readonly orderId: string | null;
}

interface ClaimRow extends SubjectRow, ChannelStates {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly recipient: NoticeRecipient;
  readonly data: NoticeData;
  readonly dueAt: Date;
  readonly expiresAt: Date | null;
  readonly quietHours: QuietHours | null;
  readonly queuedAt: Date;
  readonly attempts: number;
  readonly sendingTo: string | null;
  readonly lastError: string | null;
  readonly askedAgainAt: Date | null;
  readonly isOvertaken: boolean;
  readonly leaseUntil: Date;
}

interface ViewRow extends SubjectRow {
  readonly noticeKey: string;
  readonly kind: NoticeKind;
  readonly status: NoticeStatus;
  readonly channels: string[];
  readonly dueAt: Date;
  readonly sentAt: Date | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly overtakenAt: Date | null;
  readonly askedAgainAt: Date | null;
  readonly askedAgainBy: string | null;
}

function subjectOf({ subjectType, subjectId, orderId }: SubjectRow): Notice['subject'] {
  return { type: subjectType, id: subjectId, ...(orderId !== null && { orderId }) };
}

function claimedNotice(row: ClaimRow): ClaimedNotice {
  const { noticeKey, kind, recipient, data, queuedAt, attempts, done, failed, inDoubt, leaseUntil } = row;
  return {
    noticeKey,
    kind,
    subject: subjectOf(row),
    recipient,
    data,
    dueAt: utc(row.dueAt),
    ...(row.expiresAt !== null && { expiresAt: utc(row.expiresAt) }),
    ...(row.quietHours !== null && { quietHours: row.quietHours }),
    queuedAt,
    attempts,
    done,
    failed,
    inDoubt,
    ...(row.sendingTo !== null && { sendingTo: row.sendingTo }),
    ...(row.lastError !== null && { lastError: row.lastError }),
    ...(row.askedAgainAt !== null && { askedAgainAt: row.askedAgainAt }),
    isOvertaken: row.isOvertaken,
    leaseUntil,
  };
}

function viewOf(row: ViewRow): NoticeView {
  const { noticeKey, kind, status, channels, attempts, askedAgainAt, askedAgainBy } = row;
  return {
    noticeKey,
    kind,
    subject: subjectOf(row),
    status,
    channels,
    dueAt: utc(row.dueAt),
    ...(row.sentAt !== null && { sentAt: utc(row.sentAt) }),
    attempts,
    ...(row.lastError !== null && { lastError: row.lastError }),
    ...(row.overtakenAt !== null && { overtakenAt: utc(row.overtakenAt) }),
    ...(askedAgainAt !== null && askedAgainBy !== null && { askedAgain: { at: utc(askedAgainAt), by: askedAgainBy } }),
  };
}
