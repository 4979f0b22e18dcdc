import type { NoticeView } from '../../../workflows/domain/notice/notices';

export function noticeView(): NoticeView {
  return {
    noticeKey: 'refund:ref_1:done',
    kind: 'refund_done',
    subject: { type: 'refund', id: 'ref_1', orderId: 'ord_1' },
    status: 'in_doubt',
    channels: ['webhook'],
    dueAt: '2026-03-01T11:00:00.000Z',
    attempts: 1,
    lastError: 'smtp: the mail server had the message, but its answer was lost (ECONNECTION)',
  };
}
