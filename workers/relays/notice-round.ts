import type { Delivery, NoticeChannel } from '../../activities/notifications';
import type { ChannelStates, ClaimedNotice, NoticeOutcome } from '../../activities/storage';

/** First and longest pause before a notice is tried again: a mail server restarts in seconds, or is mended in hours. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30 * 60_000;

/** As long as a webhook's sender or a mail server goes on trying; news that is older is none. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;

const SEPARATOR = '; ';

/**
 * One try of a notice: what became of it in each channel so far, and what is written down of that. Knows no clock and no
 * database.
 */
export class NoticeRound {
  private readonly done: Set<string>;
  private readonly failed: Set<string>;
  private readonly inDoubt: Set<string>;
  /** Why, by channel: kept from earlier tries where the channel is done with it. */
  private readonly reasons: Map<string, string>;
  /** The channels that are to be told now. The one that was interrupted comes first: its row still says so. */
  readonly pending: readonly NoticeChannel[];
  /** A channel was being told when its relay died, and is not told again. */
  readonly interruptedInDoubt: boolean;

  constructor(
    private readonly notice: ClaimedNotice,
    private readonly channels: readonly NoticeChannel[],
  ) {
    this.done = new Set(notice.done);
    this.failed = new Set(notice.failed);
    this.inDoubt = new Set(notice.inDoubt);
    this.reasons = reasonsIn(notice.lastError);
    const interrupted = channels.find(({ name }) => name === notice.sendingTo);
    this.interruptedInDoubt = notice.sendingTo !== undefined && interrupted?.idempotent !== true;
    if (this.interruptedInDoubt) this.doubtInterrupted();
    const open = channels.filter((channel) => !this.isSettled(channel));
    this.pending = [...open.filter((one) => one === interrupted), ...open.filter((one) => one !== interrupted)];
  }

  /** Notes what a channel made of it. */
  settle(channel: NoticeChannel, delivery: Delivery): void {
    const { name } = channel;
    if (delivery.outcome === 'delivered') {
      this.done.add(name);
      this.reasons.delete(name);
      return;
    }
    this.reasons.set(name, delivery.why);
    if (delivery.outcome === 'refused') this.failed.add(name);
    if (delivery.outcome === 'unknown' && !channel.idempotent) this.inDoubt.add(name);
  }

  /** Between two channels: it goes on under the same lease. */
  goesOn(): NoticeOutcome {
    return { status: 'queued', ...this.states(), ...this.error() };
  }

  /** After the last one: it is done, or comes back for those that may still take it. */
  ends(nowMs: number, tries: number): NoticeOutcome {
    const open = this.channels.filter((channel) => !this.isSettled(channel));
    const { queuedAt, askedAgainAt = queuedAt } = this.notice;
    const giveUp = nowMs - askedAgainAt.getTime() >= GIVE_UP_MS;
    if (open.length === 0 || giveUp) {
      for (const { name } of open) this.failed.add(name);
      return { status: this.finalStatus('failed'), ...this.states(), tries, ...this.error() };
    }
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.notice.attempts, 20), LONGEST_RETRY_MS);
    return { status: 'queued', ...this.states(), nextAttemptAt: new Date(nowMs + pauseMs), tries, ...this.error() };
  }

  /** It is quiet: it was not tried. */
  waits(nowMs: number, waitMs: number): NoticeOutcome {
    return { status: 'queued', ...this.states(), nextAttemptAt: new Date(nowMs + waitMs), ...this.error() };
  }

  /** What it says is not true any more. Where a channel was being told when its relay died, nobody knows whether it was. */
  drops(why: string): NoticeOutcome {
    if (this.notice.sendingTo !== undefined) this.doubtInterrupted();
    this.reasons.set('all', why);
    return { status: this.finalStatus('expired'), ...this.states(), ...this.error() };
  }

  private doubtInterrupted(): void {
    const name = String(this.notice.sendingTo);
    this.inDoubt.add(name);
    this.reasons.set(name, 'the process that handed it over ended before it knew the answer');
  }

  private isSettled({ name }: NoticeChannel): boolean {
    return this.done.has(name) || this.failed.has(name) || this.inDoubt.has(name);
  }

  /** What needs a look is shown first; what one channel took was told. */
  private finalStatus(otherwise: 'failed' | 'expired'): NoticeOutcome['status'] {
    if (this.inDoubt.size > 0) return 'in_doubt';
    if (this.failed.size > 0) return 'failed';
    return this.done.size > 0 ? 'sent' : otherwise;
  }

  private states(): ChannelStates {
    return { done: [...this.done], failed: [...this.failed], inDoubt: [...this.inDoubt] };
  }

  private error(): { readonly error?: string } {
    const error = [...this.reasons].map(([channel, why]) => `${channel}: ${why}`).join(SEPARATOR);
    return error === '' ? {} : { error };
  }
}

function reasonsIn(lastError: string | undefined): Map<string, string> {
  const parts = lastError?.split(SEPARATOR) ?? [];
  return new Map(
    parts.map((part): [string, string] => {
      const [channel = '', ...why] = part.split(': ');
      return [channel, why.join(': ')];
    }),
  );
}
