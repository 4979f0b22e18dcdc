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
  /** Milliseconds since the epoch, of the clock that the store has too; the computer's where absent. */
  readonly now?: () => number;
}

/** No more than are handed over at the same moment: none waits in line while its row says that it is being sent. */
const BATCH = SMTP_CONNECTIONS;

/**
 * Looking a customer up takes 28 s at the longest, a hand-over 60 s, writing it down some seconds: no relay that lives loses its
 * lease. After a crash notices wait for this long, which is the price of never telling anybody twice.
 */
const LEASE_MS = 120_000;

/**
 * One round: tells what is due. A channel is told after the row says so and before the row says what became of it; so whoever finds
 * the row after a crash knows which channel may have been told, and none other was.
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
  // Where nothing is left to be told the time does not matter any more.
  const timing: Timing = round.pending.length === 0 ? { do: 'send' } : timingOf(claimed, nowMs);
  switch (timing.do) {
    case 'wait':
      return write(deps, claimed, round.waits(nowMs, timing.waitMs));
    case 'drop':
      return write(deps, claimed, round.drops(timing.why));
    case 'fail':
      for (const channel of round.pending) round.settle(channel, { outcome: 'not_delivered', why: timing.why });
      return write(deps, claimed, round.ends(nowMs, 1));
    case 'send':
      return tell(deps, claimed, round);
  }
}

type Timing = NoticeTiming | { readonly do: 'fail'; readonly why: string };

function timingOf(notice: ClaimedNotice, nowMs: number): Timing {
  // Its relay died with it, and by now it is no longer true.
  if (notice.isOvertaken) return { do: 'drop', why: 'it was no longer true' };
  try {
    return noticeTiming(notice, notice.queuedAt.getTime(), nowMs);
  } catch (error) {
    // Told at night rather than never, or never rather than at night? A person decides: it ends as failed, with this reason.
    return { do: 'fail', why: `its quiet hours cannot be read: ${classOf(error)}` };
  }
}

async function tell(deps: NoticeRelayDependencies, claimed: ClaimedNotice, round: NoticeRound): Promise<void> {
  // The row still names the channel in doubt as the one that is being told: no other could begin.
  if (round.interruptedInDoubt && !(await record(deps, claimed, round.goesOn()))) return;
  let notice = claimed;
  let handedOver = round.pending.length === 0;
  for (const [index, channel] of round.pending.entries()) {
    const prepared = await prepare(channel, notice);
    if ('outcome' in prepared) {
      round.settle(channel, prepared);
      continue;
    }
    const begun = await deps.store.begin(notice, channel.name, handedOver ? 0 : 1, LEASE_MS);
    if (begun === undefined) return deps.log.debug({ noticeKey: notice.noticeKey }, 'a notice was taken back');
    notice = begun;
    handedOver = true;
    round.settle(channel, await prepared.deliver());
    // Until the next channel is told it may be taken back again.
    const isLast = index === round.pending.length - 1;
    if (!isLast && !(await record(deps, notice, round.goesOn()))) return;
  }
  await write(deps, notice, round.ends(clock(deps), handedOver ? 0 : 1));
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

/** What kind of error it is, by names that programs give. Messages may quote an address or a name. */
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

/** Where the database is away for a moment, what was just told must not come into doubt for that. */
const RECORD_PAUSES_MS = [100, 400, 1_600, 3_200];

/** Writes it down and tells the log how it ended. */
async function write(deps: NoticeRelayDependencies, notice: ClaimedNotice, outcome: NoticeOutcome): Promise<void> {
  if (!(await record(deps, notice, outcome))) return;
  const { noticeKey, kind } = notice;
  const { status, done, error } = outcome;
  const details = { noticeKey, kind, status, channels: done, ...(error !== undefined && { error }) };
  if (status === 'sent') deps.log.info(details, 'a notice was sent');
  else if (status === 'queued' || status === 'expired') deps.log.debug(details, 'a notice waits or was dropped');
  else deps.log.warn(details, 'a notice did not reach everybody for certain');
}

/** False where the notice is not ours any more, or was taken back while nobody was being told. */
async function record(deps: NoticeRelayDependencies, notice: ClaimedNotice, outcome: NoticeOutcome): Promise<boolean> {
  const recorded = await persistently(() => deps.store.record(notice, outcome));
  if (!recorded) deps.log.debug({ noticeKey: notice.noticeKey }, 'a notice was not ours any more');
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
