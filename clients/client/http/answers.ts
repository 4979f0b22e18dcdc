import type { CheckoutAnswer } from '../../../workflows/checkout/messages';
import type { RenewPaymentAnswer } from '../../../workflows/order/messages';
import type { SettlementReport, SettlementSummary } from '../../../workflows/settlement/ports';
import type { PayAnswer } from '../../../workflows/subscription/messages';
import type { RefundResult } from '../verbs/refunds';
import type { Problem, Reply } from './transport';

// Turns the gateway's answers back into the answers of workflows. Bodies are not validated again, because the gateway creates them
// by its own schemas, which a test compares with these types.

type Body = Readonly<Record<string, unknown>>;

/** The answer to a command: done, or why nothing was changed. `unknown`: the reason if the gateway does not know the subject. */
export function commandAnswer<Answer>(reply: Reply, unknown: string): Answer {
  return (reply.ok ? accepted(reply.body) : refusal(reply, unknown)) as Answer;
}

/** The answer to a command to an order: like `commandAnswer`, without the order's id that the gateway adds. */
export function orderAnswer<Answer>(reply: Reply): Answer {
  return commandAnswer(reply.ok ? { ...reply, body: without(reply.body, 'orderId') } : reply, 'unknown_order');
}

export function checkoutAnswer(reply: Reply): CheckoutAnswer {
  if (reply.ok) return reply.body as CheckoutAnswer;
  const { code, problem } = reply;
  const { orderId, providerCode, declineCode, retryUntil, sku, available, placed, errors: problems = [] } = problem;
  const message = problem.detail;
  switch (code) {
    case 'card_declined':
      return { state: 'declined', orderId, code: providerCode, declineCode, retryUntil } as CheckoutAnswer;
    case 'out_of_stock':
      return { state: code, sku, available } as CheckoutAnswer;
    case 'invalid':
      return { state: code, problems };
    case 'cart_changed':
      return { state: 'failed', code, placed, message } as CheckoutAnswer;
    default:
      return { state: 'failed', code, message } as CheckoutAnswer;
  }
}

export function renewPaymentAnswer(reply: Reply): RenewPaymentAnswer {
  if (reply.ok || reply.code !== 'card_declined') return orderAnswer(reply);
  const { declineCode, retryUntil } = reply.problem;
  return { accepted: true, state: 'declined', declineCode, retryUntil } as RenewPaymentAnswer;
}

export function refundAnswer(reply: Reply): RefundResult {
  if (reply.ok) return accepted(reply.body) as unknown as RefundResult;
  const { refundable = 0, held, coversHeld } = reply.problem;
  const more = { refundable, ...(held !== undefined && { held }), ...(coversHeld !== undefined && { coversHeld }) };
  return { ...refusal(reply, 'unknown_order'), ...more } as RefundResult;
}

export function payAnswer(reply: Reply): PayAnswer {
  if (reply.ok) return accepted(without(reply.body, 'subscriptionId')) as unknown as PayAnswer;
  if (reply.code !== 'card_declined') return refusal(reply, 'unknown_subscription') as unknown as PayAnswer;
  return { accepted: true, outcome: 'declined', declineCode: String(reply.problem['declineCode']) };
}

/** The gateway answers with the whole report; the workflow's answer has only its counts. */
export function settlementSummary({
  date,
  providerMovements,
  matched,
  differences,
}: SettlementReport): SettlementSummary {
  const explained = differences.filter((one) => one.explained).length;
  return { date, providerMovements, matched, explained, unexplained: differences.length - explained };
}

function accepted(body: Body): Body {
  return { accepted: true, ...body };
}

function refusal({ code, problem }: Extract<Reply, { ok: false }>, unknown: string): Body {
  const { detail: message, errors: problems }: Problem = problem;
  const reason = code === 'not_found' ? unknown : code;
  return { accepted: false, reason, message, ...(problems !== undefined && { problems }) };
}

function without(body: Body, member: string): Body {
  const { [member]: _, ...rest } = body;
  return rest;
}
