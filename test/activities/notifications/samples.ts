import type { NoticeToSend } from '../../../activities/notifications/channel';
import type { NoticeKind, NoticePayloads } from '../../../workflows/domain/notice/notices';

const amount = { amount: 1_999, currency: 'eur' };
const link = 'https://pay.example.com/i/1?a=b&c=d';
const orderId = 'ord_1';

/** Of each kind the data with everything in it, and with no more than it must have. */
export const samples: { readonly [Kind in NoticeKind]: readonly [NoticePayloads[Kind], ...NoticePayloads[Kind][]] } = {
  order_confirmed: [
    { orderId, total: amount, items: '2 × MUG\n1 × TEAPOT', paidAtOnce: false },
    { orderId, total: amount, items: '1 × MUG', paidAtOnce: true },
  ],
  order_shipped: [{ orderId, carrier: 'dhl', trackingNumber: '0034', items: '2 × MUG\n1 × TEAPOT' }],
  order_delivered: [{ orderId }],
  order_cancelled: [
    { orderId, items: '2 × MUG', isPartial: true, unpaid: true },
    { orderId, items: '2 × MUG\n1 × TEAPOT', isPartial: false, unpaid: false },
  ],
  payment_needed: [
    { orderId, amount, deadline: '2026-03-12T13:05:00.000Z', link },
    { orderId, amount, deadline: '2026-03-12T13:05:00.000Z' },
  ],
  hold_expiring: [
    { orderId, amount, captureBefore: '2026-03-12T13:05:00.000Z', plan: 'ask' },
    { orderId, amount, captureBefore: '2026-03-12T13:05:00.000Z', plan: 'capture' },
    { orderId, amount, captureBefore: '2026-03-12T13:05:00.000Z', plan: 'reauthorize' },
  ],
  exception_opened: [
    {
      exception: 'void_failed',
      owner: 'payments',
      about: 'order ord_1',
      message: 'A hold may still stand.',
      amountAtRisk: amount,
    },
    {
      exception: 'subscription_unreadable',
      owner: 'payments',
      about: 'subscription sub_1',
      message: 'It stands still.',
    },
  ],
  refund_on_its_way: [
    { amount, orderId, reason: 'The teapot arrived broken' },
    { amount, orderId, isLastToday: true },
    { amount, orderId },
  ],
  refund_done: [
    { amount, orderId, isLastToday: true },
    { amount, orderId },
  ],
  refund_action_needed: [
    { amount, orderId, link, until: '2026-03-31T10:00:00.000Z' },
    { amount, orderId },
  ],
  refund_delayed: [{ amount, orderId }],
  trial_ending: [
    { productName: 'Tea Club', trialEndsAt: '2026-03-12T13:05:00.000Z', amount, hasPaymentMethod: true, payLink: link },
    {
      productName: 'Tea Club',
      trialEndsAt: '2026-03-12T13:05:00.000Z',
      amount,
      hasPaymentMethod: false,
      payLink: link,
    },
    { productName: 'Tea Club', trialEndsAt: '2026-03-12T13:05:00.000Z', hasPaymentMethod: false },
  ],
  trial_payment_failed: [
    {
      amount,
      productName: 'Tea Club',
      reason: 'soft',
      declineCode: 'insufficient_funds',
      nextTryAt: '2026-03-12T13:05:00.000Z',
      triesLeft: 1,
      payLink: link,
    },
    { amount, productName: 'Tea Club', reason: 'soft', nextTryAt: '2026-03-12T13:05:00.000Z' },
    { amount, productName: 'Tea Club', reason: 'authentication' },
    { amount, productName: 'Tea Club', reason: 'hard' },
  ],
  payment_failed: [
    {
      amount,
      productName: 'Tea Club',
      nextTryAt: '2026-03-12T13:05:00.000Z',
      triesLeft: 3,
      declineCode: 'insufficient_funds',
      payLink: link,
    },
    { amount, productName: 'Tea Club', nextTryAt: '2026-03-12T13:05:00.000Z', triesLeft: 1 },
  ],
  card_needed: [
    {
      amount,
      productName: 'Tea Club',
      reason: 'hard',
      declineCode: 'expired_card',
      payLink: link,
      until: '2026-03-12T13:05:00.000Z',
    },
    { amount, productName: 'Tea Club', reason: 'hard' },
    { amount, productName: 'Tea Club', reason: 'authentication', payLink: link },
    { amount, productName: 'Tea Club', reason: 'authentication' },
  ],
  payment_last_try: [
    { amount, productName: 'Tea Club', lastTryAt: '2026-03-12T13:05:00.000Z', outcome: 'canceled', payLink: link },
    { amount, productName: 'Tea Club', lastTryAt: '2026-03-12T13:05:00.000Z', outcome: 'unpaid' },
    { amount, productName: 'Tea Club', lastTryAt: '2026-03-12T13:05:00.000Z', outcome: 'past_due' },
  ],
  payment_recovered: [{ amount, productName: 'Tea Club' }],
  subscription_ended: [
    { productName: 'Tea Club', outcome: 'canceled', payLink: link },
    { productName: 'Tea Club', outcome: 'unpaid', payLink: link },
    { productName: 'Tea Club', outcome: 'past_due' },
  ],
  subscription_paused: [{ productName: 'Tea Club', resumeLink: link }, { productName: 'Tea Club' }],
  dispute_opened: [
    {
      disputeId: 'dp_1',
      orderId,
      amount,
      reason: 'product_not_received',
      dueBy: '2026-03-12T23:59:59.000Z',
      isInquiry: false,
    },
    { disputeId: 'dp_1', amount, reason: 'fraudulent', isInquiry: true },
  ],
  dispute_evidence_due: [
    { disputeId: 'dp_1', orderId, amount, dueBy: '2026-03-12T23:59:59.000Z', hoursLeft: 24 },
    { disputeId: 'dp_1', amount, dueBy: '2026-03-12T23:59:59.000Z', hoursLeft: 72 },
  ],
  dispute_closed: [
    { disputeId: 'dp_1', orderId, amount, outcome: 'won' },
    { disputeId: 'dp_1', amount, outcome: 'lost' },
    { disputeId: 'dp_1', amount, outcome: 'warning_closed' },
    { disputeId: 'dp_1', amount, outcome: 'prevented' },
  ],
  fraud_warning: [
    { warningId: 'issfr_1', orderId, amount, fraudType: 'unauthorized_use_of_card' },
    { warningId: 'issfr_1', amount, fraudType: 'misc' },
  ],
  refund_needs_a_person: [
    {
      refundId: 'ref_1',
      orderId,
      amount,
      problem: 'The refund failed: the card was lost or stolen.',
      waysOut: 'Refund to another payment method\nTransfer the money by hand',
    },
  ],
  settlement_differs: [
    { date: '2026-03-01', differences: 3, amount },
    { date: '2026-03-01', differences: 1 },
  ],
};

export const kinds = Object.keys(samples) as NoticeKind[];

/** Kinds that the shop's own people get. */
export const toShop: ReadonlySet<NoticeKind> = new Set<NoticeKind>([
  'hold_expiring',
  'exception_opened',
  'dispute_opened',
  'dispute_evidence_due',
  'dispute_closed',
  'fraud_warning',
  'refund_needs_a_person',
  'settlement_differs',
]);

/** A notice of a kind, as channels get it. */
export function noticeOf(kind: NoticeKind, changes: Partial<NoticeToSend> = {}): NoticeToSend {
  return {
    noticeKey: `test:${kind}`,
    kind,
    subject: { type: 'order', id: orderId, orderId },
    recipient: toShop.has(kind) ? { to: 'shop' } : { to: 'order_customer', orderId },
    data: samples[kind][0],
    dueAt: '2026-03-01T12:00:00.000Z',
    ...changes,
  };
}
