import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../../workers/dependencies/poll';
import type { FaultWorld } from '../fault-world';
import type { CasePlan } from '../plan';
import type { FromWorker, ToWorker } from '../worker-process';

/** Beyond a start under load; a worker is there within two seconds. */
const START_LIMIT_MS = 60_000;

/** Beyond every step under load. */
const STEP_LIMIT_MS = 150_000;

/**
 * The cases of one kill wait for each other with their effects done, so that one kill hits each of them right there. Not for
 * longer than this: local activities may take 10 s.
 */
const GATHER_LIMIT_MS = 7_000;

/** A case, as far as it can be killed. */
interface Victim {
  readonly plan: CasePlan;
  /** Is this workflow one of the case's? */
  owns(workflowId: string): boolean;
}

/** Plays one step of all cases: `run` does it. */
export type AroundStep<Play> = (step: number, plays: readonly Play[], run: () => Promise<void>) => Promise<void>;

/** The worker of a world as a process of its own, which is killed at the boundaries that the cases name. */
export class KilledWorker {
  private child: ChildProcess | undefined;
  private readonly doomed = new Set<Victim>();
  private plays: readonly Victim[] = [];
  kills = 0;

  constructor(private readonly world: FaultWorld) {}

  async start(): Promise<void> {
    const program = join(__dirname, '..', '..', '..', 'dist', 'test', 'faults', 'worker-process.js');
    const built = __filename.endsWith('.js') ? join(__dirname, '..', 'worker-process.js') : program;
    if (!existsSync(built)) throw new Error(`${built} is not there: run "npm run build" first`);
    const child = fork(built, [JSON.stringify(this.world.workerSettings)], {
      env: { ...process.env, HOLDFAST_FAULT_WORKER: '1' },
      execArgv: [],
    });
    this.child = child;
    let ready = false;
    // A process may be killed between its question and the answer: a message that reaches nobody is then no failure.
    const answer = (message: ToWorker) => child.connected && child.send(message, () => undefined);
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') ready = true;
      else if (message.kind === 'doomed') this.gather(message.sighting.workflowId);
      else answer({ question: message.question, doomed: this.isDoomed(message) });
    });
    await waitFor(
      'a worker process to poll',
      START_LIMIT_MS,
      () => Promise.resolve(ready || undefined),
      () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}`),
    );
  }

  /** Ends the process as no process wants to end. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await gone;
    }
    this.child = undefined;
  }

  /** Plays a step, and kills the worker once every case whose boundary lies in it has come there. */
  async around(step: number, plays: readonly Victim[], run: () => Promise<void>): Promise<void> {
    this.plays = plays;
    const due = plays.filter((play) => play.plan.faults.some((fault) => fault.mode === 'kill' && fault.step === step));
    let over = false;
    const ended = run().finally(() => (over = true));
    for (let left = due; left.length > 0 && !over; left = left.filter((play) => !this.doomed.has(play))) {
      await this.gathered(left, () => over);
      if (over) break;
      for (const play of this.doomed) {
        for (const fault of play.plan.faults) if (fault.mode === 'kill') play.plan.reached.add(fault);
      }
      this.kills += 1;
      await this.kill();
      await this.start();
    }
    return ended;
  }

  /** Waits until all of these cases have come to their boundary, or the first of them can wait no longer. */
  private async gathered(due: readonly Victim[], over: () => boolean): Promise<void> {
    let firstAtMs: number | undefined;
    await waitFor('the cases of a kill to gather', STEP_LIMIT_MS, () => {
      const here = due.filter((play) => this.doomed.has(play)).length;
      if (here > 0) firstAtMs ??= Date.now();
      const late = firstAtMs !== undefined && Date.now() - firstAtMs > GATHER_LIMIT_MS;
      return Promise.resolve(here === due.length || late || over() || undefined);
    });
  }

  private isDoomed({ sighting, nowMs }: Extract<FromWorker, { kind: 'sees' }>): boolean {
    if (nowMs !== undefined) this.world.simulator.clock.advanceTo(nowMs);
    return this.world.board.of(sighting)?.see(sighting)?.mode === 'kill';
  }

  private gather(workflowId: string): void {
    const play = this.plays.find((one) => one.owns(workflowId));
    if (play !== undefined) this.doomed.add(play);
  }
}
