import { defineUpdate } from '@temporalio/workflow';

/** One way to build the checkout. The product's own is `local` storage, a `local` bank on the first try, the order by the `outbox`. */
export interface Design {
  /** How the two storage steps are called. */
  readonly storage: 'local' | 'regular';
  /** How the bank is asked; `notEager`: its task goes through the server's queue, not back with the workflow task. */
  readonly bank: 'regular' | 'notEager' | 'local';
  /** Who starts the order's own workflow. */
  readonly order: 'outbox' | 'child';
}

/** The update that a bare workflow is started with: it is answered when the work is done. */
export const answerLater = defineUpdate<void, []>('answerLater');

/** What the bare workflows call: nothing is left but what Temporal itself costs. */
export const bareActivities = {
  nothing: (): Promise<number> => Promise.resolve(1),
};

export type BareActivities = typeof bareActivities;
