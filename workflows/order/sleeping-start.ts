import type { SearchAttributePair } from '@temporalio/common';
import { nextDue } from '../domain/order/next-due';
import type { OrderFacts } from '../domain/order/order';
import { waitingFor } from '../domain/shared/waiting';
import { attributesOf, detailsOf, searchAttributes } from '../kit/search-attributes';
import type { StartOptions } from '../kit/start';
import { shownOrder } from './shown';
import { orderStart } from './start';

/** Characters: the server refuses a start with details of more than 20,000 bytes, and an order may have hundreds of lines. */
const MAX_DETAILS = 3_000;

/**
 * The start of an order that was read: it shows how the order stands, and sleeps until the order has something to do by itself. It
 * costs no workflow task before that. An update, a signal that comes with a start and a cancel request wake it at once.
 * Hazard: a plain signal is kept for its first task and does not wake it, so nothing that brings a deadline forward may rely on one.
 */
export function sleepingOrderStart(facts: OrderFacts, taskQueue: string, nowMs: number): StartOptions {
  const start = orderStart(facts.orderId, taskQueue, facts.channel);
  const due = nextDue(facts, { notBeforeMs: 0, pollAtMs: 0, voidAtMs: 0, voidFailed: false });
  if (due === undefined) return start;
  // Never past what it is shown to wait for: other workflows may change what is due until then.
  const wakeAtMs = Math.min(due.atMs, Date.parse(waitingFor(facts)?.until ?? '') || Infinity);
  if (wakeAtMs <= nowMs) return start;
  const until = new Date(wakeAtMs).toISOString();
  const shown = shownOrder(facts);
  const attributes = attributesOf(shown).filter((pair): pair is SearchAttributePair => pair.value !== null);
  return {
    ...start,
    startDelay: wakeAtMs - nowMs,
    staticDetails: `Asleep until ${until}, or until something is asked of it. As it was placed:\n\n${detailsOf(shown).slice(0, MAX_DETAILS)}`,
    typedSearchAttributes: [{ key: searchAttributes.orderId, value: facts.orderId }, ...attributes],
  };
}
