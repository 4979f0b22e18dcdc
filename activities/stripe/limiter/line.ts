import type { Ask, Answer, Gate } from './gate';
import { LimiterBusy, type RequestLimiter, type RequestTurn } from './limiter';

/** The most new requests in one question to the gate: each needs its place at once. */
const MAX_NEWCOMERS = 100;
/** The most requests with a place in one question: there are never more tokens than this at a time. */
const MAX_CALLED = 20;
/** The shortest delay for a request that has waited in vain, so that it does not come back at once. */
const LEAST_RETRY_MS = 250;

interface Waiter {
  readonly turn: RequestTurn;
  readonly deadlineMs: number;
  readonly go: () => void;
  readonly leave: (error: unknown) => void;
  askAtMs: number;
  /** Undefined until the gate has given it a place. */
  dueAtMs: number | undefined;
}

/**
 * A limiter that waits in this process and lets a gate decide. It asks one question at a time for each endpoint, customers first,
 * and no request waits longer than its `maxWaitMs`.
 */
export function createRequestLimiter(gate: Gate): RequestLimiter {
  const lines = new Map<string, EndpointLine>();
  return {
    acquire(turn) {
      let line = lines.get(turn.endpoint);
      if (line === undefined) lines.set(turn.endpoint, (line = new EndpointLine(turn.endpoint, gate)));
      return line.join(turn);
    },
    refused: (refusal) => {
      // No caller waits for this, and a gate that missed one refusal learns from the next.
      gate.refused(refusal).catch(() => undefined);
    },
  };
}

class EndpointLine {
  private waiters: Waiter[] = [];
  private asking = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly endpoint: string,
    private readonly gate: Gate,
  ) {}

  join(turn: RequestTurn): Promise<void> {
    return new Promise((go, leave) => {
      const nowMs = performance.now();
      const deadlineMs = nowMs + turn.maxWaitMs;
      this.waiters.push({ turn, deadlineMs, go, leave, askAtMs: nowMs, dueAtMs: undefined });
      void this.ask();
    });
  }

  /** Asks the gate for all requests that are due, until none is left. */
  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    clearTimeout(this.timer);
    try {
      for (let batch = this.due(); batch.length > 0; batch = this.due()) {
        const asks = batch.map(({ turn }): Ask => turn);
        this.apply(batch, await this.gate.ask(this.endpoint, asks));
      }
    } catch (error) {
      // A gate that fails must not block the requests; the shared gate never fails.
      for (const waiter of this.waiters.splice(0)) waiter.leave(error);
    } finally {
      this.asking = false;
    }
    this.sendAway();
    this.sleep();
  }

  /** Customers first; among them, requests with a place come before new ones. */
  private due(): Waiter[] {
    const nowMs = performance.now();
    const due = this.waiters.filter(({ askAtMs }) => askAtMs <= nowMs);
    const of = (wanted: RequestTurn['priority']): Waiter[] => {
      const mine = due.filter(({ turn }) => turn.priority === wanted);
      const placed = mine.filter(({ dueAtMs }) => dueAtMs !== undefined).sort(byDue);
      const newcomers = mine.filter(({ dueAtMs }) => dueAtMs === undefined);
      return [...placed.slice(0, MAX_CALLED), ...newcomers.slice(0, MAX_NEWCOMERS)];
    };
    return [...of('interactive'), ...of('background')];
  }

  private apply(batch: readonly Waiter[], answers: readonly Answer[]): void {
    const nowMs = performance.now();
    const gone = new Set<Waiter>();
    const soonestMs = new Map<RequestTurn['priority'], number>();
    batch.forEach((waiter, index) => {
      const answer = answers[index];
      if (answer === undefined || answer.kind === 'go') {
        gone.add(waiter);
        waiter.go();
        return;
      }
      waiter.askAtMs = nowMs + answer.askAgainMs;
      waiter.dueAtMs = nowMs + answer.dueMs;
      const { priority } = waiter.turn;
      soonestMs.set(priority, Math.min(soonestMs.get(priority) ?? Infinity, waiter.askAtMs));
      if (waiter.dueAtMs <= waiter.deadlineMs) return;
      gone.add(waiter);
      waiter.leave(new LimiterBusy(this.endpoint, Math.max(LEAST_RETRY_MS, answer.askAgainMs)));
    });
    this.waiters = this.waiters.filter((waiter) => !gone.has(waiter));
    // Requests further back, which this question did not include, wait at least as long as those before them.
    for (const waiter of this.waiters) {
      const soonest = soonestMs.get(waiter.turn.priority);
      if (waiter.dueAtMs !== undefined && waiter.askAtMs <= nowMs && soonest !== undefined) waiter.askAtMs = soonest;
    }
  }

  /** Rejects the requests whose time is up; the gate keeps their places. */
  private sendAway(): void {
    const nowMs = performance.now();
    const late = this.waiters.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.waiters = this.waiters.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const { leave } of late) leave(new LimiterBusy(this.endpoint, LEAST_RETRY_MS * (2 + Math.random() * 2)));
  }

  private sleep(): void {
    if (this.waiters.length === 0) return;
    const nextMs = Math.min(...this.waiters.flatMap(({ askAtMs, deadlineMs }) => [askAtMs, deadlineMs]));
    this.timer = setTimeout(() => void this.ask(), Math.max(1, nextMs - performance.now()));
  }
}

function byDue(left: Waiter, right: Waiter): number {
  return (left.dueAtMs ?? 0) - (right.dueAtMs ?? 0);
}
