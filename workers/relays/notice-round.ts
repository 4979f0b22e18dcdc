import type { Delivery, NoticeChannel } from '../../activities/notifications';
import type { ChannelStates, ClaimedNotice, NoticeOutcome } from '../../activities/storage';

/** First and longest pause between tries: a mail server restarts within seconds, or is repaired within hours. */
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30 * 60_000;

/** As long as mail servers and senders of webhooks usually retry; an older notice is no longer useful. */
const GIVE_UP_MS = 3 * 24 * 3_600_000;

const SEPARATOR = '; ';

/**
 * One try of a notice: collects the result of each channel, and makes the outcome that is recorded. Uses no clock and no database.
 */
export class NoticeRound {
  private readonly done: Set<string>;
  private readonly failed: Set<string>;
  private readonly inDoubt: Set<string>;
  /** The reason of a failure, by channel; kept from earlier tries where the channel is finished. */
  private readonly reasons: Map<string, string>;
  /** The channels to use now. The interrupted one comes first, because the row still names it. */
  readonly pending: readonly NoticeChannel[];
  /** The relay crashed while it used a channel that must not be used again. */
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
    const open = channels.filter((channel) => !this.isFinished(channel));
    this.pending = [...open.filter((one) => one === interrupted), ...open.filter((one) => one !== interrupted)];
  }

  /** Notes the result of a channel. */
  record(channel: NoticeChannel, delivery: Delivery): void {
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

  /** The outcome between two channels, under the same lease. */
  interim(): NoticeOutcome {
    return { status: 'queued', ...this.states(), ...this.error() };
  }

  /** The outcome after the last channel: finished, or queued again for the channels that may still send it. */
  ended(nowMs: number, tries: number): NoticeOutcome {
    const open = this.channels.filter((channel) => !this.isFinished(channel));
    const { queuedAt, askedAgainAt = queuedAt } = this.notice;
    const giveUp = nowMs - askedAgainAt.getTime() >= GIVE_UP_MS;
    if (open.length === 0 || giveUp) {
      for (const { name } of open) this.failed.add(name);
      return { status: this.finalStatus('failed'), ...this.states(), tries, ...this.error() };
    }
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.notice.attempts, 20), LONGEST_RETRY_MS);
    return { status: 'queued', ...this.states(), nextAttemptAt: new Date(nowMs + pauseMs), tries, ...this.error() };
  }

  /** The outcome during quiet hours: nothing was sent. */
  postponed(nowMs: number, waitMs: number): NoticeOutcome {
    return { status: 'queued', ...this.states(), nextAttemptAt: new Date(nowMs + waitMs), ...this.error() };
  }

  /** The outcome of an outdated notice. A channel that was in use when the relay crashed is in doubt. */
  dropped(why: string): NoticeOutcome {
    if (this.notice.sendingTo !== undefined) this.doubtInterrupted();
    this.reasons.set('all', why);
    return { status: this.finalStatus('expired'), ...this.states(), ...this.error() };
  }

  private doubtInterrupted(): void {
    const name = String(this.notice.sendingTo);
    this.inDoubt.add(name);
    this.reasons.set(name, 'the process that handed it over ended before it knew the answer');
  }

  private isFinished({ name }: NoticeChannel): boolean {
    return this.done.has(name) || this.failed.has(name) || this.inDoubt.has(name);
  }

  /** A status that needs a person wins; otherwise one channel that sent the notice is enough. */
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
