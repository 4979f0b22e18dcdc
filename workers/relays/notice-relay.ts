import type { Logger } from 'pino';
import type { NoticeChannel, NoticeChannels, Refusal, PreparedMessage } from '../../activities/notifications';
import { SMTP_CONNECTIONS } from '../../activities/notifications';
import type { ClaimedNotice, NoticeOutcome, NoticeStore } from '../../activities/storage';
import { noticeTiming, type NoticeTiming } from '../../workflows/domain/notice/timing';
import { NoticeRound } from './notice-round';

export interface NoticeRelayDependencies {
  readonly store: Pick<NoticeStore, 'claimDue' | 'begin' | 'record'>;
  readonly channels: NoticeChannels;
  readonly log: Logger;
  /** Milliseconds since the epoch, by the same clock as the store; default `Date.now`. */
  readonly now?: () => number;
}

/** As many as are sent at the same time, so that no notice waits in line while its row says that it is being sent. */
const BATCH = SMTP_CONNECTIONS;

/**
 * Looking up a customer takes at most 28 s, sending 60 s, recording some seconds, so a running relay never loses its lease. After a
 * crash its notices wait this long, so that no message is sent twice.
 */
const LEASE_MS = 120_000;

/**
 * One round: sends what is due. The row names a channel before the channel is used, and records the result afterwards. So after a
 * crash the row shows which one channel may have sent the notice.
 */
export async function relayNotices(deps: NoticeRelayDependencies): Promise<number> {
  const claimed = await deps.store.claimDue(BATCH, LEASE_MS);
  const outcomes = await Promise.allSettled(claimed.map((notice) => relay(deps, notice)));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return claimed.length;
}

async function relay(deps: NoticeRelayDependencies, claimed: ClaimedNotice): Promise<void> {
  const nowMs = clock(deps);
  const round = new NoticeRound(claimed, deps.channels.for(claimed));
  // Quiet hours do not matter where no channel is left to send by.
  const timing: Timing = round.pending.length === 0 ? { do: 'send' } : timingOf(claimed, nowMs);
  switch (timing.do) {
    case 'wait':
      return recordAndLog(deps, claimed, round.postponed(nowMs, timing.waitMs));
    case 'drop':
      return recordAndLog(deps, claimed, round.dropped(timing.why));
    case 'fail':
      for (const channel of round.pending) round.record(channel, { outcome: 'not_delivered', why: timing.why });
      return recordAndLog(deps, claimed, round.ended(nowMs, 1));
    case 'send':
      return send(deps, claimed, round);
  }
}

type Timing = NoticeTiming | { readonly do: 'fail'; readonly why: string };

function timingOf(notice: ClaimedNotice, nowMs: number): Timing {
  // Its relay crashed while sending it, and by now the notice is no longer true.
  if (notice.isOvertaken) return { do: 'drop', why: 'it was no longer true' };
  try {
    return noticeTiming(notice, notice.queuedAt.getTime(), nowMs);
  } catch (error) {
    // Whether to send it at night or never is for a person to decide: it ends as failed, with this reason.
    return { do: 'fail', why: `its quiet hours cannot be read: ${classOf(error)}` };
  }
}

async function send(deps: NoticeRelayDependencies, claimed: ClaimedNotice, round: NoticeRound): Promise<void> {
  // The row still names the interrupted channel as the one in use, and no other could begin.
  if (round.interruptedInDoubt && !(await record(deps, claimed, round.interim()))) return;
  let notice = claimed;
  let handedOver = round.pending.length === 0;
  for (const [index, channel] of round.pending.entries()) {
    const prepared = await prepare(channel, notice);
    if ('outcome' in prepared) {
      round.record(channel, prepared);
      continue;
    }
    const begun = await deps.store.begin(notice, channel.name, handedOver ? 0 : 1, LEASE_MS);
    if (begun === undefined)
      return deps.log.debug({ noticeKey: notice.noticeKey }, 'a notice was canceled before it was sent');
    notice = begun;
    handedOver = true;
    round.record(channel, await prepared.deliver());
    // Between two channels the notice may be canceled.
    const isLast = index === round.pending.length - 1;
    if (!isLast && !(await record(deps, notice, round.interim()))) return;
  }
  await recordAndLog(deps, notice, round.ended(clock(deps), handedOver ? 0 : 1));
}

function clock({ now }: NoticeRelayDependencies): number {
  return (now ?? Date.now)();
}

type Unprepared = Refusal | { readonly outcome: 'not_delivered'; readonly why: string };

async function prepare(channel: NoticeChannel, notice: ClaimedNotice): Promise<PreparedMessage | Unprepared> {
  try {
    return await channel.prepare(notice);
  } catch (error) {
    return { outcome: 'not_delivered', why: `could not be prepared: ${classOf(error)}` };
  }
}

/** The class of an error: its type, code or name. Its message may quote an address or a person's name, so it is not used. */
function classOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const parts = [error, 'originalError' in error ? error.originalError : undefined].map((one) => {
    if (typeof one !== 'object' || one === null) return undefined;
    return ['type', 'code', 'name']
      .map((key) => (one as Record<string, unknown>)[key])
      .find((it) => typeof it === 'string');
  });
  return parts.filter((part) => part !== undefined).join(', ') || 'unknown';
}

/** A short outage of the database must not leave a notice that was sent in doubt. */
const RECORD_PAUSES_MS = [100, 400, 1_600, 3_200];

async function recordAndLog(
  deps: NoticeRelayDependencies,
  notice: ClaimedNotice,
  outcome: NoticeOutcome,
): Promise<void> {
  if (!(await record(deps, notice, outcome))) return;
  const { noticeKey, kind } = notice;
  const { status, done, error } = outcome;
  const details = { noticeKey, kind, status, channels: done, ...(error !== undefined && { error }) };
  if (status === 'sent') deps.log.info(details, 'a notice was sent');
  else if (status === 'queued' || status === 'expired') deps.log.debug(details, 'a notice was postponed or dropped');
  else deps.log.warn(details, 'a notice failed or is in doubt');
}

/** False where another relay has the notice, or where it was canceled while no channel was in use. */
async function record(deps: NoticeRelayDependencies, notice: ClaimedNotice, outcome: NoticeOutcome): Promise<boolean> {
  const recorded = await persistently(() => deps.store.record(notice, outcome));
  if (!recorded) deps.log.debug({ noticeKey: notice.noticeKey }, 'a notice was canceled, or another relay has it');
  return recorded;
}

async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (const pauseMs of RECORD_PAUSES_MS) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return work();
}
