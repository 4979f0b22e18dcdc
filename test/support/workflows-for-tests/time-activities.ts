import { activityInfo } from '@temporalio/activity';

export interface ActivityClocks {
  scheduledMs: number;
  currentAttemptScheduledMs: number;
  activityWallMs: number;
  attempt: number;
}

/** Gates that a test opens to let an activity end. */
export const gates = new Map<
  string,
  { opened: Promise<void>; open: () => void; entered: Promise<void>; enter: () => void }
>();

export function makeGate(name: string): void {
  let open = (): void => undefined;
  let enter = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const entered = new Promise<void>((resolve) => (enter = resolve));
  gates.set(name, { opened, open, entered, enter });
}

function clocks(): ActivityClocks {
  const info = activityInfo();
  return {
    scheduledMs: info.scheduledTimestampMs,
    currentAttemptScheduledMs: info.currentAttemptScheduledTimestampMs,
    activityWallMs: Date.now(),
    attempt: info.attempt,
  };
}

export const timeActivities = {
  observe: async (_label: string): Promise<ActivityClocks> => clocks(),
  failFirst: async (): Promise<ActivityClocks> => {
    if (activityInfo().attempt === 1) throw new Error('the first attempt fails');
    return clocks();
  },
  waitForGate: async (name: string): Promise<void> => {
    gates.get(name)?.enter();
    await gates.get(name)?.opened;
  },
};

export type TimeActivities = typeof timeActivities;
