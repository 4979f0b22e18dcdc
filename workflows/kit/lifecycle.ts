import type { SearchAttributeUpdatePair } from '@temporalio/common';
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Waiting } from '../domain/shared/waiting';
import { attributesOf, detailsOf, type Shown } from './search-attributes';
import { MovingDeadline, SerialQueue } from './waiting';

/** How long a step waits after it failed or changed nothing: an outage of minutes passes, a person has time to look. */
export const RETRY_MS = 10 * 60_000;

/** What a workflow does by itself next, and when. `then` is shown beside the timer, e.g. `ask the provider`. */
export interface Due {
  readonly kind: string;
  readonly atMs: number;
  readonly then: string;
}

/**
 * What every workflow of a story is made of: facts come from Postgres and are kept in memory only; it sleeps until the next
 * deadline, a hint or a command; commands and its own steps run one after another. A story extends this with its facts, what is
 * due when, and what is shown; `live` is its main loop.
 */
export abstract class Lifecycle<Facts, D extends Due = Due> {
  readonly queue = new SerialQueue();
  /** The first load is over, whatever came of it; commands wait for it. */
  loaded = false;
  /** Something outside may have changed: the story looks at it before its next step. */
  isHinted = false;
  /** Counts every change, so that the main loop wakes and looks again. */
  version = 0;
  /** The workflow's own steps are not due before this; a story's `due` takes it into account. */
  notBeforeMs = 0;
  protected known: Facts | undefined;
  protected shown = '';
  /** Nothing but the start has written search attributes. A run that continues another one writes its own. */
  private isNew = workflowInfo().continuedFromExecutionRunId === undefined;

  /**
   * @param subject what it is about, e.g. `dispute du_1`
   * @param step what it does now, for people
   */
  constructor(
    readonly subject: string,
    public step: string,
    readonly deadline = new MovingDeadline(),
  ) {}

  /** What comes next by itself; undefined where nothing does. */
  abstract due(): D | undefined;

  /** Is nothing left to do, and nothing under way? */
  abstract get isOver(): boolean;

  protected abstract show(facts: Facts): Shown;

  get exists(): boolean {
    return this.known !== undefined;
  }

  /** The facts as the last step left them. Only after they were found; see `loaded`. */
  get facts(): Facts {
    if (this.known === undefined) throw new TypeError(`${this.subject} was used before it was loaded`);
    return this.known;
  }

  /** Whom it waits for; null where it waits for no party. */
  get waiting(): Waiting | null {
    return (this.known && this.show(this.known).waiting) ?? null;
  }

  /** Does something from outside wait to be looked at? */
  get wantsTurn(): boolean {
    return this.isHinted;
  }

  protected keep(facts: Facts): void {
    this.known = facts;
    this.version += 1;
  }

  hint(): void {
    this.isHinted = true;
  }

  /** Delays the workflow's own steps, after one of this kind failed or changed nothing. */
  pause(_kind?: D['kind'], forMs = RETRY_MS): void {
    this.notBeforeMs = Date.now() + forMs;
  }

  /** Shows where things stand: search attributes (one event, only where something changed) and current details (none). */
  publish(): void {
    if (this.known === undefined) return;
    const shown = this.show(this.known);
    setCurrentDetails(detailsOf(shown));
    this.upsert(attributesOf(shown));
  }

  protected upsert(pairs: SearchAttributeUpdatePair[]): void {
    const written = JSON.stringify(pairs.map((pair) => pair.value));
    if (written === this.shown) return;
    this.shown = written;
    const isWrittenByStart = this.isNew && pairs.some(({ value }) => value !== null) && pairs.every(isShown);
    this.isNew = false;
    if (!isWrittenByStart) upsertSearchAttributes(pairs);
  }

  /** What the search attributes show was written elsewhere: the next `publish` writes them again. */
  forgetShown(): void {
    this.shown = '';
  }

  /**
   * Runs a command once it is its turn. Hazard: every `await` lets another command in, so each looks at the facts only then.
   * @param unknown its answer where nothing is known of the subject
   * @param unrecorded its answer where an activity failed permanently: the outcome is not known
   */
  async inTurn<Answer>(
    work: () => Promise<Answer>,
    unknown: () => Answer,
    unrecorded: (error: unknown) => Promise<Answer>,
  ): Promise<Answer> {
    await condition(() => this.loaded);
    if (!this.exists) return unknown();
    try {
      return await this.queue.run(work);
    } catch (error) {
      const isFailure = error instanceof ActivityFailure || error instanceof ApplicationFailure;
      if (isCancellation(error) || !isFailure) throw error;
      log.error('a command could not be recorded', { subject: this.subject, step: this.step, error: String(error) });
      return await unrecorded(error);
    } finally {
      this.version += 1;
    }
  }
}

/** What `live` asks of a story. */
export interface Steps<D> {
  /** In the queue, once something is due; undefined after a hint. */
  act(due: D | undefined): Promise<unknown>;
  /** What was due is done, or is no longer due. */
  succeeded?(due: D | undefined): Promise<void>;
  /** A step failed, and its kind was paused: it never ends the workflow. Where absent, `act` handles its failures itself. */
  failed?(error: unknown, due: D | undefined): Promise<void>;
  /** Before each wait, e.g. to signal other workflows what was recorded. */
  beforeWaiting?(): Promise<void>;
  /** Continues as new; asked once the history is long and nothing is under way. */
  continueAnew(): Promise<never>;
}

/**
 * The main loop: shows where things stand, sleeps until something is due, a hint comes or the facts change, acts, and again,
 * until the story is over and every caller has an answer.
 */
export async function live<Facts, D extends Due>(life: Lifecycle<Facts, D>, steps: Steps<D>): Promise<void> {
  const isDone = (): boolean => life.isOver && allHandlersFinished();
  for (;;) {
    // Not awaited where there is none: that would let the next command begin before this is shown.
    if (steps.beforeWaiting !== undefined) await steps.beforeWaiting();
    // At the end callers have their answers first.
    if (!life.isOver || isDone()) life.publish();
    if (isDone()) return;
    if (workflowInfo().continueAsNewSuggested && life.queue.idle && allHandlersFinished()) await steps.continueAnew();
    const seen = life.version;
    const due = life.due();
    const isWoken = (): boolean => life.wantsTurn || life.version !== seen || isDone();
    const summary = due === undefined ? '' : `Then ${due.then}`;
    const woken = await life.deadline.wait(isWoken, due?.atMs, summary);
    if (life.wantsTurn) await life.queue.run(() => act(life, steps));
    else if (!woken && due !== undefined) await life.queue.run(() => act(life, steps, due));
  }
}

async function act<Facts, D extends Due>(life: Lifecycle<Facts, D>, steps: Steps<D>, due?: D): Promise<void> {
  try {
    // Facts may have changed while this waited its turn.
    if (due === undefined || life.due()?.kind === due.kind) await steps.act(due);
    await steps.succeeded?.(due);
    const next = life.due();
    // The same step again at once would spin: whatever keeps it from helping is given time.
    if (next !== undefined && next.kind === due?.kind && next.atMs <= Date.now()) life.pause(next.kind);
  } catch (error) {
    if (isCancellation(error) || steps.failed === undefined) throw error;
    log.error('a step failed', { subject: life.subject, step: due?.kind ?? life.step, error: String(error) });
    life.pause(due?.kind);
    await steps.failed(error, due);
  }
}

/** Does Temporal show this search attribute already? */
function isShown({ key, value }: SearchAttributeUpdatePair): boolean {
  const shown = workflowInfo().typedSearchAttributes.get(key) ?? null;
  return JSON.stringify(shown) === JSON.stringify(value);
}
