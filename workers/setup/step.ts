import { describeFault } from './fault';

/** A step of the setup. Performing a step that is already done changes nothing. */
export interface Step {
  readonly name: string;
  look(): Promise<Look>;
  perform(): Promise<void>;
}

/** `later`: something else must happen first. `text` says what exists, what would be done, or what the step waits for. */
export interface Look {
  readonly state: 'there' | 'missing' | 'later';
  readonly text: string;
}

/** The result of a step, for people and scripts. */
export interface StepResult {
  readonly step: string;
  readonly state: 'done' | 'already there' | 'would do' | 'later' | 'failed';
  readonly text: string;
  /** What to do about a failure. */
  readonly next?: string;
}

export interface RunSteps {
  readonly dryRun: boolean;
  /** Called after each step. */
  readonly report: (result: StepResult) => void;
}

/**
 * Performs steps that depend on each other; stops at the first that fails.
 * @returns whether all succeeded
 */
export async function runSteps(steps: readonly Step[], { dryRun, report }: RunSteps): Promise<boolean> {
  let incomplete = false;
  for (const step of steps) {
    try {
      const result = await take(step, dryRun, incomplete);
      report(result);
      incomplete ||= result.state === 'would do';
    } catch (error) {
      report({ step: step.name, state: 'failed', ...describeFault(error) });
      return false;
    }
  }
  return true;
}

async function take(step: Step, dryRun: boolean, incomplete: boolean): Promise<StepResult> {
  const { state, text } = await step.look().catch((error: unknown): Look => {
    // In a dry run a step cannot check its state where an earlier step, which it depends on, was not performed.
    if (!incomplete) throw error;
    return { state: 'missing', text: 'after the steps above' };
  });
  if (state === 'there') return { step: step.name, state: 'already there', text };
  if (state === 'later') return { step: step.name, state, text };
  if (!dryRun) await step.perform();
  return { step: step.name, state: dryRun ? 'would do' : 'done', text };
}
