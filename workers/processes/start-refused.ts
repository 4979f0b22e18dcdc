import { errorCode } from '../dependencies/error-code';

/** A process cannot start. The message tells its operator what is wrong and what to do. */
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
 * Turns the error of a server that cannot listen into a StartRefused.
 * @param variables the environment variables of its host and port
 * @returns any other error as it is
 */
export function asListenProblem(error: unknown, part: string, host: string, port: number, variables: string): unknown {
  const problem = LISTEN_PROBLEMS[errorCode(error) ?? ''];
  if (problem === undefined) return error;
  return new StartRefused(`${host}:${port} (${part}) ${problem}: change ${variables}, or stop what listens there.`, {
    cause: error,
  });
}
