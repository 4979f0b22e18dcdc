import type { Notice, NoticeKind, NoticeSubjectType } from '../../../workflows/domain/notice/notices';
import type { Transaction } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { insert: statement('notice-insert'), cancel: statement('notices-cancel') };

/**
 * Queues a notice in a step's transaction. Queuing it again under its key does nothing.
 * @param now by this computer's clock, which the relays use, too: they count from it how late the notice is
 */
export function queueNotice(tx: Transaction, notice: Notice, now: Date): void {
  const { noticeKey, kind, subject, recipient, data, dueAt, expiresAt, quietHours } = notice;
  tx.write(sql.insert, [
    noticeKey,
    kind,
    subject.type,
    subject.id,
    subject.orderId ?? null,
    JSON.stringify(recipient),
    JSON.stringify(data),
    dueAt,
    expiresAt ?? null,
    quietHours === undefined ? null : JSON.stringify(quietHours),
    now,
  ]);
}

/**
 * Cancels notices that are not sent yet, in a step's transaction; all kinds if none is named. A notice that is being handed over
 * at this moment is not tried again, and nobody can ask to send it again.
 */
export function cancelNotices(
  tx: Transaction,
  subject: { readonly type: NoticeSubjectType; readonly id: string },
  now: Date,
  kinds?: readonly NoticeKind[],
): void {
  tx.write(sql.cancel, [subject.type, subject.id, kinds ?? null, now]);
}
