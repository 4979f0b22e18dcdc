import type { Notice, NoticeKind, NoticeSubjectType } from '../../../workflows/domain/notice/notices';
import type { Transaction } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { insert: statement('notice-insert'), cancel: statement('notices-cancel') };

/**
 * Queues a notice within a step: it is sent only if the step stays. Told again under its key, nothing happens.
 * @param now by this computer's clock, which is the relays' too: how late a notice is, is counted from here
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
 * Takes back, within a step, what was not sent yet: all kinds where none is named. What is being handed over just now is not
 * tried again, and nobody may send it again.
 */
export function cancelNotices(
  tx: Transaction,
  subject: { readonly type: NoticeSubjectType; readonly id: string },
  now: Date,
  kinds?: readonly NoticeKind[],
): void {
  tx.write(sql.cancel, [subject.type, subject.id, kinds ?? null, now]);
}
