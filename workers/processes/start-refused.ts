import { errorCode } from '../dependencies/error-code';

/** A process cannot start. Its message is one for its operator: what is wrong, and what to do about it. */
export class StartRefused extends Error {
  override readonly name: string = 'StartRefused';
}

const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use',
  EACCES: 'needs rights that this process does not have',
  EADDRNOTAVAIL: 'is on an address that this machine does not have',
  ENOTFOUND: 'is on a host name that is not known',
};

/**
 * The error of a server that cannot listen, in words.
 * @param variables what sets its host and port
 * @returns the error itself where it is another one
 */
export function asListenProblem(error: unknown, part: string, host: string, port: number, variables: string): unknown {
  const problem = LISTEN_PROBLEMS[errorCode(error) ?? ''];
  if (problem === undefined) return error;
  return new StartRefused(`${host}:${port} (${part}) ${problem}: change ${variables}, or stop what listens there.`, {
    cause: error,
  });
}
