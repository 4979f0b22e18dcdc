import type { DunningPolicy } from '../../../workflows/domain/subscription/subscription';
import type { NoticeRow } from '../../support/subscriptions';
import { DAY_MS, HOUR_MS } from '../../support/subscriptions';
import { MOST_TRIES } from './subscription-model';
import type { ModelInvoice, SubscriptionModel } from './subscription-model';

const FAILURES = ['payment_failed', 'card_needed', 'payment_last_try'];

/** A failure is found three hours after it where nobody tells of it, and a night is eleven. */
const TELL_WITHIN_MS = 18 * HOUR_MS;

/** The provider's times are whole seconds. */
const SECOND_MS = 1_000;

interface Told {
  readonly key: string;
  readonly kind: string;
  readonly slot: string;
  readonly atMs: number;
}

/** What a subscriber was told, beside what happened at the provider: everything that is wrong, in words. */
export function noticeWrongs(
  rows: readonly NoticeRow[],
  model: SubscriptionModel,
  policy: Pick<DunningPolicy, 'graceMs' | 'spacingMs' | 'quietHours'>,
  { timeZone, nowMs }: { readonly timeZone: string; readonly nowMs: number },
): string[] {
  const found: string[] = [];
  const told = rows
    .filter(({ status }) => status !== 'canceled' && status !== 'expired')
    .map(({ noticeKey, kind, at }) => ({ key: noticeKey, kind, slot: slotOf(noticeKey), atMs: Date.parse(at) }));
  for (const { key, atMs } of told) {
    if (isQuiet(atMs, policy.quietHours, timeZone)) found.push(`${key} in quiet hours`);
    if (!model.invoices.some((one) => isOf(key, one))) found.push(`${key} is of no renewal that was tried`);
  }
  for (const invoice of model.invoices) {
    const mine = told.filter(({ key }) => isOf(key, invoice));
    found.push(...failureWrongs(mine, invoice, model, policy), ...missing(mine, invoice, model, nowMs));
    for (const { key } of afterwards(mine, invoice, model)) found.push(`${key} is not true`);
  }
  return found;
}

const slotOf = (key: string): string => key.split(':')[2] ?? '';
const isOf = (key: string, { invoiceId }: ModelInvoice): boolean => key.split(':')[1] === invoiceId;
const failuresOf = (told: readonly Told[]): readonly Told[] => told.filter(({ kind }) => FAILURES.includes(kind));

/** At most one a failed try, not at once, not too often, none once it is paid or over, and nothing after the last. */
function failureWrongs(
  told: readonly Told[],
  invoice: ModelInvoice,
  { end }: SubscriptionModel,
  { graceMs, spacingMs }: Pick<DunningPolicy, 'graceMs' | 'spacingMs'>,
): string[] {
  const found: string[] = [];
  const { triedMs, paidMs = Infinity, exhaustedMs = Infinity } = invoice;
  const overMs = Math.min(paidMs, exhaustedMs, end?.atMs ?? Infinity) + SECOND_MS;
  const failures = failuresOf(told);
  failures.forEach(({ key, slot, atMs }, index) => {
    const before = failures[index - 1];
    if (failures.filter((one) => one.slot === slot).length > 1) found.push(`${key} is not the only one of its try`);
    if (atMs < (triedMs[0] ?? Infinity) + graceMs - SECOND_MS) found.push(`${key} within the grace`);
    if (atMs > overMs) found.push(`${key} ${atMs - overMs} ms after it was paid or over`);
    if (before?.slot === 'last') found.push(`${key} after the last`);
    if (before !== undefined && slot !== 'last' && atMs < before.atMs + spacingMs) found.push(`${key} too soon`);
    const tries = triedMs.filter((ms) => ms <= atMs + SECOND_MS).length;
    // The provider may be ahead by the hours of one step, never behind.
    if (slot === 'last' ? tries !== MOST_TRIES - 1 : Number(slot) > triedMs.length) found.push(`${key} of no such try`);
  });
  return found;
}

/** What is said once it is over is said once, to whom it is news, and only if it is so. */
function afterwards(told: readonly Told[], invoice: ModelInvoice, model: SubscriptionModel): readonly Told[] {
  const { paidMs = Infinity, exhaustedMs = Infinity } = invoice;
  return told.filter(({ kind, atMs, key }, index) => {
    if (FAILURES.includes(kind)) return false;
    if (told.slice(0, index).some((one) => one.kind === kind)) return true;
    const wasTold = told.slice(0, index).some((one) => FAILURES.includes(one.kind));
    if (kind === 'payment_recovered') return !wasTold || atMs < paidMs - SECOND_MS || model.end?.by === 'dunning';
    return kind !== 'subscription_ended' || atMs < exhaustedMs - SECOND_MS || !key.includes(':end:');
  });
}

/** What nobody was told although they should have been. */
function missing(
  told: readonly Told[],
  invoice: ModelInvoice,
  { end, stage }: SubscriptionModel,
  nowMs: number,
): string[] {
  const found: string[] = [];
  const { invoiceId, triedMs, declinedMs, paidMs, exhaustedMs } = invoice;
  const failures = failuresOf(told);
  const overMs = Math.min(paidMs ?? Infinity, end?.atMs ?? Infinity, nowMs);
  const byMs = (triedMs[0] ?? Infinity) + TELL_WITHIN_MS;
  // A card that is declined meanwhile begins the grace anew.
  const isDelayed = declinedMs.some((ms) => ms < byMs);
  if (overMs > byMs && !isDelayed && !failures.some(({ atMs }) => atMs <= byMs)) found.push(`${invoiceId}: not told`);
  const lasts = failures.filter(({ slot }) => slot === 'last').length;
  if (exhaustedMs !== undefined && lasts !== 1) found.push(`${invoiceId}: ${lasts} last notices`);
  const isEndKnown = exhaustedMs !== undefined && Math.min(paidMs ?? nowMs, nowMs) > exhaustedMs + DAY_MS;
  if (isEndKnown && end?.by !== 'wish' && !told.some(({ kind }) => kind === 'subscription_ended'))
    found.push(`${invoiceId}: its end is not told`);
  const isWell = paidMs !== undefined && stage === 'active' && failures.length > 0;
  if (isWell && !told.some(({ kind }) => kind === 'payment_recovered')) found.push(`${invoiceId}: not told it is over`);
  return found;
}

/** By the wall clock there; the same for both ends is never. */
function isQuiet(atMs: number, { from, to }: DunningPolicy['quietHours'], timeZone: string): boolean {
  const time = new Date(atMs).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  return from <= to ? from <= time && time < to : from <= time || time < to;
}
