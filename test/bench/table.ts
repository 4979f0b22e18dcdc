import type { Result } from './load';

/** A line of the table of targets: what was measured beside what it should be. */
export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** A table in markdown; all columns but the first are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

export const CPU = 'CPU: ours, Temporal, Postgres';

/** The server's program is named after how it was had: `server` where it was built, `temporal` where it came with the CLI. */
export function cpuOf({ cpu }: Result): string {
  const parts = [cpu['node'] ?? 0, cpu['server'] ?? cpu['temporal'] ?? 0, cpu['postgres'] ?? 0];
  return parts.every((part) => part === 0) ? '' : `${parts.map((part) => part.toFixed(0)).join(', ')} ms`;
}

export const perSecond = (result: Result): string => `${result.perSecond.toFixed(1)}/s`;

/** The result under a name. */
export function found(results: readonly Result[], name: string): Result {
  const result = results.find((one) => one.name === name);
  if (result === undefined) throw new Error(`nothing was measured under the name ${name}`);
  return result;
}
