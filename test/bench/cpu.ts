import { readdirSync, readFileSync } from 'node:fs';

/** Processor time by part, in milliseconds. */
export type CpuTimes = Readonly<Record<string, number>>;

/** Linux counts in hundredths of a second, whatever the machine. */
const TICK_MS = 10;

/**
 * What this process and all it started have used so far, by program: `node`, `postgres` and the others by their names. Unlike
 * a rate it is much the same on a busy machine. Empty where there is no /proc.
 */
export function cpuTimes(): CpuTimes {
  const found = readProcesses();
  const times: Record<string, number> = {};
  const add = (pid: number): void => {
    const own = found.get(pid);
    if (own === undefined) return;
    times[own.name] = (times[own.name] ?? 0) + own.usedMs;
    for (const [child, { parent }] of found) if (parent === pid) add(child);
  };
  add(process.pid);
  return times;
}

/** What was used from then to now. */
export function cpuSince(before: CpuTimes): CpuTimes {
  return Object.fromEntries(
    Object.entries(cpuTimes()).map(([name, usedMs]) => [name, usedMs - (before[name] ?? 0)] as const),
  );
}

export function addCpu(times: readonly CpuTimes[]): CpuTimes {
  const sum: Record<string, number> = {};
  for (const one of times) for (const [name, usedMs] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + usedMs;
  return sum;
}

interface ProcessEntry {
  readonly parent: number;
  readonly name: string;
  readonly usedMs: number;
}

function readProcesses(): Map<number, ProcessEntry> {
  const found = new Map<number, ProcessEntry>();
  for (const entry of listProc()) {
    const text = read(`/proc/${entry}/stat`);
    // "pid (name) state ppid …": a name may hold spaces and brackets, so the last bracket ends it.
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(text) ?? [];
    const fields = rest?.split(' ') ?? [];
    if (name === undefined) continue;
    const usedMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    found.set(Number(entry), {
      parent: Number(fields[1]),
      name: Number(entry) === process.pid ? 'node' : name,
      usedMs,
    });
  }
  return found;
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return [];
  }
}

/** A process may end between the list and the look. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
