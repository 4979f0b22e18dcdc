import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow';
import type { ExceptionKind } from '../domain/exception/exception';
import type { StepExceptions } from './exceptions';
import { RETRY_MS } from './lifecycle';
import { searchAttributes } from './search-attributes';
import { Backoff } from './waiting';

/** How to undo one step, and what is at risk while that fails. */
export interface Undo<T = unknown> {
  /** Shown in the Temporal UI, e.g. `void the card hold`. */
  readonly name: string;
  readonly exceptionKind: ExceptionKind;
  /** What is at risk and what to do, for the person who gets the exception. */
  readonly atRisk: string;
  /** A no-op where nothing happened. */
  run(): Promise<T>;
  /** The result where a person has done the step by hand; absent where no person can. */
  readonly resolvedByHand?: () => T;
}

/** One step of a saga, beside its undo. The last step needs none. */
export interface SagaStep {
  /** @returns false where the story has ended another way: no further step is done */
  do(): Promise<boolean>;
  readonly undo?: Undo;
}

/**
 * The longest pause after an undo failed permanently; the first is RETRY_MS. A person has the case from the first failure on; an
 * outage of hours ends within the next tries, and one of days does not end sooner for being asked more than once a day.
 */
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** Over 60 days: longer than any card hold stands. Some 8 events each make 550 in all, well below what one history may have. */
const MAX_TRIES = 68;

/** Steps in order, and their undos in reverse where the story does not come to its end. */
export class Saga {
  private readonly undos: Undo[] = [];

  constructor(private readonly exceptions: StepExceptions) {}

  /** Registers each undo BEFORE its step, since a step that timed out may have had its effect. */
  async perform(steps: readonly SagaStep[]): Promise<void> {
    for (const step of steps) {
      if (step.undo !== undefined) this.undos.push(step.undo);
      if (!(await step.do())) return;
    }
  }

  /** Forgets every undo: the work is done, or nothing was begun. */
  release(): void {
    this.undos.length = 0;
  }

  /**
   * Undoes every step that was begun, the last one first, whatever is cancelled meanwhile; ends when all are undone. An undo that
   * fails is tried again beside the others: stock that cannot be released must not keep money held.
   */
  async compensate(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      const all: Promise<unknown>[] = [];
      for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
        const step = undo;
        await new Promise<void>((tried) => all.push(insist(step, this.exceptions, tried).finally(tried)));
      }
      await Promise.all(all);
    });
  }
}

/**
 * Runs a step that must succeed: where it fails permanently, an exception with an owner is opened and the step is tried again,
 * at widening intervals, until it succeeds.
 * @param onFailed called once the first try has failed and its exception is open
 */
export async function insist<T>(step: Undo<T>, exceptions: StepExceptions, onFailed?: () => void): Promise<T> {
  const pause = new Backoff(RETRY_MS, LONGEST_PAUSE_MS);
  for (let tries = 1; ; tries += 1) {
    try {
      const result = await step.run();
      if (tries > 1) await close(step, exceptions);
      return result;
    } catch (error) {
      if (tries >= MAX_TRIES) throw error;
      if (tries === 1) await report(step, exceptions, error);
      onFailed?.();
      const decision = await exceptions.decisions.wait(step, pause.ms);
      if (decision === 'dismiss' && step.resolvedByHand !== undefined) {
        await close(step, exceptions);
        return step.resolvedByHand();
      }
      pause.lengthen();
    }
  }
}

/** As `insist`, for a step that may never be given up, e.g. a look at the provider: after weeks of tries it begins again. */
export async function insistForEver<T>(step: Undo<T>, exceptions: StepExceptions): Promise<T> {
  for (;;) {
    try {
      return await insist(step, exceptions);
    } catch (error) {
      log.error('a step that must not be given up begins again', { step: step.name, error: String(error) });
    }
  }
}

async function report(step: Undo, exceptions: StepExceptions, error: unknown): Promise<void> {
  log.error('a step that must succeed failed permanently', { step: step.name, error: String(error) });
  exceptions.decisions.failing.add(step.exceptionKind);
  upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: step.exceptionKind }]);
  try {
    await exceptions.raise(step.exceptionKind, `Could not ${step.name}: ${step.atRisk}`);
  } catch (failure) {
    // The search attribute still shows it; the step is tried again.
    log.error('an exception could not be recorded', { step: step.name, error: String(failure) });
  }
}

/** Where this fails, the step is run again: it is a no-op by then, and an exception that stays open would hide the next one. */
async function close(step: Undo, exceptions: StepExceptions): Promise<void> {
  await exceptions.resolve(step.exceptionKind);
  const { failing } = exceptions.decisions;
  failing.delete(step.exceptionKind);
  upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: [...failing].at(-1) ?? null }]);
}
