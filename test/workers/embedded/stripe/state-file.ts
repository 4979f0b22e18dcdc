import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StripeSimulatorOptions } from '../../../../workers/embedded/stripe/server';
import { start, stopAll } from './support';

export type Started = Awaited<ReturnType<typeof start>>;

/** A folder with the simulator's state file, made anew for every test of a file. */
export interface StateFile {
  folder: string;
  stateFile: string;
  open(options?: StripeSimulatorOptions): Promise<Started>;
  /** Another start on the file as it is now, as after a kill -9: the running simulator has no part in it. */
  openAsAfterKill(): Promise<Started>;
}

/** Makes a folder before each test of the file; stops the simulators and removes the folder afterwards. */
export function stateFileForTests(): StateFile {
  const file: StateFile = {
    folder: '',
    stateFile: '',
    open: (options = {}) => start({ stateFile: file.stateFile, ...options }),
    openAsAfterKill: () => {
      const copy = join(file.folder, 'killed.jsonl');
      copyFileSync(file.stateFile, copy);
      return start({ stateFile: copy });
    },
  };
  beforeEach(() => {
    file.folder = mkdtempSync(join(tmpdir(), 'holdfast-simulator-'));
    file.stateFile = join(file.folder, 'simulator.jsonl');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stopAll();
    rmSync(file.folder, { recursive: true });
  });
  return file;
}

/** Sets the machine's clock this far ahead, as if the simulator had been left alone for that long. */
export function later(ms: number): void {
  const realNow = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + ms);
}
