import { condition, isCancellation, log } from '@temporalio/workflow';
import { defectMessage, failureMessageOf, isDefect, isLasting } from '../kit/failures';
import { adoptRefund, type RefundLifecycle } from './lifecycle';
import type { AdoptedRefund } from './messages';

/* A refund that somebody made at the provider is recorded in our ledger. */

/** Pauses between tries while it does not fit into our ledger; the last one repeats. */
const PAUSES_MS = [10_000, 60_000, 10 * 60_000, 3_600_000, 6 * 3_600_000, 24 * 3_600_000];
/** Two months of days: by then the person who got the case at once has found out what happened. */
const MAX_TRIES = 66;

const kind = 'refund_mismatch';

/** Ends when the refund is recorded, is none of ours, or a person has resolved it; after the last try its exception stays open. */
export async function adopt(life: RefundLifecycle, input: AdoptedRefund): Promise<void> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    life.step = `recording ${input.adopt}, made elsewhere`;
    const result = await adoptRefund(life, input.adopt).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      return failed(life, input, { error, isLast: tries === MAX_TRIES });
    });
    if (result?.outcome === 'not_ours') return close(life, input);
    if (result !== undefined) life.isMismatched = result.outcome === 'mismatch';
    // What was recorded as pending is looked at next.
    life.isHinted = result?.outcome === 'adopted';
    if (result?.outcome === 'adopted') return life.set(result);
    if (result?.outcome === 'mismatch' && result.tell) life.signalOrder(result.orderId);
    life.publish();
    const pauseMs = PAUSES_MS[Math.min(tries, PAUSES_MS.length) - 1] ?? 0;
    await condition(() => life.isHinted || life.isResolvedByHand, pauseMs);
    if (life.isResolvedByHand) return close(life, input);
  }
}

/** A mistake of our own and a refusal fail again and again, and so may what has failed for two months: a person gets one case. */
async function failed(
  life: RefundLifecycle,
  { adopt: providerRefundId, orderId }: AdoptedRefund,
  { error, isLast }: { readonly error: unknown; readonly isLast: boolean },
): Promise<undefined> {
  log.warn('a refund made elsewhere could not be recorded yet', { error: String(error) });
  if (!isLasting(error) && !isLast) return;
  life.isMismatched = true;
  if (orderId === undefined) return;
  const step = `${providerRefundId} was made without Holdfast and is not in its ledger: recording it`;
  const message = isDefect(error) ? defectMessage(step, error) : `${step} failed: ${failureMessageOf(error)}`;
  try {
    await life.exceptions.raise(kind, message, 'operations');
    life.signalOrder(orderId);
  } catch (failure) {
    // The search attribute still shows it; the next try raises it again.
    log.error('an exception could not be recorded', { orderId, kind, error: String(failure) });
  }
}

/** Nothing is left to record: closes the exception. */
async function close(life: RefundLifecycle, { orderId }: AdoptedRefund): Promise<void> {
  if (!life.isMismatched) return;
  life.isMismatched = false;
  life.publish();
  if (orderId === undefined) return;
  await life.exceptions.resolve(kind);
  life.signalOrder(orderId);
}
