import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow';
import type { ExceptionKind } from '../domain/exception/exception';
import type { ExceptionDesk } from './exceptions';
import { searchAttributes } from './search-attributes';

/** How to take back one step, and what is at risk while that fails. */
export interface Undo<T = unknown> {
  /** Shown in the Temporal UI, e.g. `let the card hold go`. */
  readonly name: string;
  readonly exceptionKind: ExceptionKind;
  /** What is at risk and what to do, for the person who gets the exception. */
  readonly atRisk: string;
  /** A no-op where nothing happened. */
  run(): Promise<T>;
  /** What it came to where a person has settled it by hand; absent where that cannot be. */
  readonly settledByHand?: () => T;
}

/**
 * The first pause after an undo failed for good, and the longest. A person has the case from the first failure on; an outage of
 * hours is over with the next tries, and what lasts for days is not mended by asking more often than once a day.
 */
const FIRST_PAUSE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** Over 60 days: longer than any card hold stands. Some 8 events each make 550 in all, well below what one history may have. */
const MAX_TRIES = 68;

/**
 * The compensation stack: every undo is registered BEFORE its step, since a step that timed out may have had its effect.
 * Compensation runs in reverse order, shielded from cancellation.
 */
export class Saga {
  private readonly undos: Undo[] = [];

  constructor(private readonly desk: ExceptionDesk) {}

  register(undo: Undo): void {
    this.undos.push(undo);
  }

  /** Forgets every undo: the work is done and handed over. */
  release(): void {
    this.undos.length = 0;
  }

  /**
   * Takes back every registered step, the last one first; ends when all are taken back. One that fails is tried again beside the
   * others: stock that cannot be released must not keep money held.
   */
  async compensate(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      const all: Promise<unknown>[] = [];
      for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
        const step = undo;
        await new Promise<void>((tried) => all.push(insist(step, this.desk, tried).finally(tried)));
      }
      await Promise.all(all);
    });
  }
}

/**
 * Runs a step that must not be given up: where it fails for good, an exception with an owner is opened and the step is tried
 * again, at widening intervals, until it succeeds.
 * @param onFailed called once the first try has failed and its exception is open
 */
export async function insist<T>(step: Undo<T>, desk: ExceptionDesk, onFailed?: () => void): Promise<T> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      const result = await step.run();
      if (tries > 1) await settle(step, desk);
      return result;
    } catch (error) {
      if (tries >= MAX_TRIES) throw error;
      if (tries === 1) await report(step, desk, error);
      onFailed?.();
      const decision = await desk.decisions.wait(step, pauseMs);
      if (decision === 'dismiss' && step.settledByHand !== undefined) {
        await settle(step, desk);
        return step.settledByHand();
      }
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** As `insist`, for what has no end, e.g. a look at the provider: given up after weeks, it begins again. A person has the case. */
export async function insistForEver<T>(step: Undo<T>, desk: ExceptionDesk): Promise<T> {
  for (;;) {
    try {
      return await insist(step, desk);
    } catch (error) {
      log.error('a step without an end was given up and begins again', { step: step.name, error: String(error) });
    }
  }
}

async function report(step: Undo, desk: ExceptionDesk, error: unknown): Promise<void> {
  log.error('a step that must succeed failed for good', { step: step.name, error: String(error) });
  desk.decisions.failing.add(step.exceptionKind);
  upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: step.exceptionKind }]);
  try {
    await desk.raise(step.exceptionKind, `Could not ${step.name}: ${step.atRisk}`);
  } catch (failure) {
    // The search attribute shows it still; the step goes on being tried.
    log.error('an exception could not be recorded', { step: step.name, error: String(failure) });
  }
}

/** Where this fails, the step is run again: it is a no-op by then, and an exception that stays open would hide the next one. */
async function settle(step: Undo, desk: ExceptionDesk): Promise<void> {
  await desk.resolve(step.exceptionKind);
  const { failing } = desk.decisions;
  failing.delete(step.exceptionKind);
  upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: [...failing].at(-1) ?? null }]);
}
