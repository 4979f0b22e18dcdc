import { describeFault } from './fault';

/** The result of one check. */
export interface Finding {
  readonly part: string;
  /** `warn`: orders are processed nevertheless. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly text: string;
  /** What to do about it. */
  readonly next?: string;
}

/** Runs a check; an error becomes a finding. */
export async function inspect(
  part: string,
  look: () => Promise<Omit<Finding, 'part'>>,
  failure: 'warn' | 'fail' = 'fail',
): Promise<Finding> {
  try {
    return { part, ...(await look()) };
  } catch (error) {
    return { part, status: failure, ...describeFault(error) };
  }
}

/** One or two lines for a person. */
export function findingLines({ part, status, text, next }: Finding): string[] {
  return [
    `${status.padEnd(4)}  ${part.padEnd(18)}  ${text}`,
    ...(next === undefined ? [] : [`${' '.repeat(26)}-> ${next}`]),
  ];
}
