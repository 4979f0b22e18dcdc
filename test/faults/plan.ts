/**
 * Glossary of the fault matrix.
 *
 * - A **story** is what happens to one cart, step by step (stories.ts).
 * - A **boundary** is one execution of an activity in a story: its name and which one of that name it is. Boundaries are
 *   enumerated from a recorded run of the story without faults, never by hand.
 * - A **mode** is a way in which a boundary breaks. A **case** is a story with one boundary broken in one mode.
 */
export const modes = {
  'fail-before': 'the attempt fails before its effect and is tried again',
  'fail-after': 'the attempt has its effect, its acknowledgement is lost, and it is tried again',
  torn: 'the attempt dies between the provider’s effect and our record of it, and is tried again',
  twice: 'the effect is run twice in a row; the second answer counts',
  kill: 'the worker’s process is killed after the effect; another one takes over',
  'lost-before': 'the attempt fails for good before its effect',
  'lost-after': 'the attempt has its effect and is reported as failed for good',
  late: 'the attempt is given up at once; its effect lands after everything else has settled, undo included',
  'late-retried':
    'the attempt is reported as failed and tried again; its own effect lands after everything has settled',
  'stored-500':
    'the provider answers 500 before it did anything, keeps that under the key and answers it again for 24 h',
  'stored-500-done': 'the provider does what was asked, answers 500, and keeps that under the key',
  refusal: 'the provider refuses every try of the execution: a 4xx with a code and a parameter',
  constraint: 'every try of the execution is refused by a constraint of our own tables where it records what it did',
  defect: 'our own code throws a TypeError after the effect',
} as const;

export type Mode = keyof typeof modes;

/** Modes that break what a provider is asked for. */
export const AT_PROVIDER_ONLY: ReadonlySet<Mode> = new Set<Mode>(['torn', 'stored-500', 'stored-500-done', 'refusal']);

/** Modes after which a corrected command must get through, or a person must have a case. */
export const NEEDS_A_WAY_OUT: ReadonlySet<Mode> = new Set<Mode>([
  'stored-500',
  'stored-500-done',
  'refusal',
  'constraint',
  'defect',
]);

/** Modes that meet every try of one execution, not only its first. */
const OF_EVERY_TRY: ReadonlySet<Mode> = new Set<Mode>(['refusal', 'constraint']);

/** As many places of an activity as are broken in the modes that go by what an activity does, not by where it stands. */
const SAMPLED_PLACES = 2;
const SAMPLED: ReadonlySet<Mode> = new Set<Mode>(['constraint', 'defect']);

/** Is this place one of the first of its activity? Each is asked once a mode; `seen` counts over all stories. */
export function isSampled(boundary: Boundary, mode: Mode, seen: Map<string, number>): boolean {
  if (!SAMPLED.has(mode)) return true;
  const name = `${mode} ${boundary.activity}`;
  const count = (seen.get(name) ?? 0) + 1;
  seen.set(name, count);
  return count <= SAMPLED_PLACES;
}

/** Modes after which the story must end as if nothing had happened. */
export const TRANSPARENT: ReadonlySet<Mode> = new Set<Mode>([
  'fail-before',
  'fail-after',
  'torn',
  'twice',
  'kill',
  'late-retried',
]);

/** One execution of an activity within a story. */
export interface Boundary {
  readonly activity: string;
  /** 1 for the first execution of this activity in the story. */
  readonly occurrence: number;
  readonly isLocal: boolean;
  /** Index of the story's step in which it was recorded. */
  readonly step: number;
}

/** What is to break. */
export interface Fault {
  readonly activity: string;
  readonly occurrence: number;
  readonly mode: Mode;
  /** The step in which it was recorded. */
  readonly step?: number;
}

/** What an interceptor tells of the activity that is about to run. */
export interface Sighting {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
  readonly activity: string;
  readonly isLocal: boolean;
  readonly orderId: string;
}

/** What one case breaks, and what was seen of it. */
export class CasePlan {
  readonly boundaries: Boundary[] = [];
  readonly late: (() => Promise<unknown>)[] = [];
  /** Index of the step that the case is in. */
  step = 0;
  orderId: string | undefined;
  private readonly seen = new Map<string, Fault | undefined>();
  /** Ids that the provider's idempotency keys and our rows of the case carry. */
  ids: () => readonly string[] = () => (this.orderId === undefined ? [] : [this.orderId]);
  private readonly fired = new Set<Fault>();
  /** Faults in which the effect was let through or held back as meant. */
  readonly reached = new Set<Fault>();

  constructor(
    /** Of the cart, or of whatever else it is about. */
    readonly cartId: string,
    readonly faults: readonly Fault[],
  ) {}

  /** Registers an execution; the fault that it meets, once. */
  see(sighting: Sighting): Fault | undefined {
    this.orderId ??= sighting.orderId;
    const { activity, isLocal } = sighting;
    const key = [sighting.workflowId, sighting.runId, activity, sighting.activityId].join('/');
    // A retry, and a local activity that is run again with its workflow task, is the same execution.
    if (this.seen.has(key)) {
      const before = this.seen.get(key);
      return before !== undefined && OF_EVERY_TRY.has(before.mode) ? before : undefined;
    }
    this.seen.set(key, undefined);
    const occurrence = this.boundaries.filter((one) => one.activity === activity).length + 1;
    this.boundaries.push({ activity, occurrence, isLocal, step: this.step });
    const fault = this.faults.find((one) => one.activity === activity && one.occurrence === occurrence);
    if (fault === undefined || this.fired.has(fault)) return undefined;
    this.fired.add(fault);
    this.seen.set(key, fault);
    return fault;
  }

  get missed(): readonly Fault[] {
    return this.faults.filter((fault) => !this.reached.has(fault));
  }
}

/** Finds the case that an activity belongs to. */
export class Switchboard {
  private readonly byWorkflow = new Map<string, CasePlan>();

  add(plan: CasePlan): void {
    this.byWorkflow.set(`checkout-${plan.cartId}`, plan);
  }

  /** Breaks what this workflow does as well. */
  follow(plan: CasePlan, workflowId: string): void {
    this.byWorkflow.set(workflowId, plan);
  }

  /** The case of an activity; orders are known from their checkout, which comes first. */
  of(sighting: Sighting): CasePlan | undefined {
    const plan = this.byWorkflow.get(sighting.workflowId);
    const isCheckout = sighting.workflowId.startsWith('checkout-');
    if (plan !== undefined && isCheckout) this.byWorkflow.set(`order-${sighting.orderId}`, plan);
    return plan;
  }
}
