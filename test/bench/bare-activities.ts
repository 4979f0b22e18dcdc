/** What the bare workflows call: nothing is left but what Temporal itself costs. */
export const bareActivities = {
  nothing: (): Promise<number> => Promise.resolve(1),
};

export type BareActivities = typeof bareActivities;
