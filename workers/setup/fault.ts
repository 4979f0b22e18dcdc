import { errorCode } from '../dependencies/error-code';
import { StartRefused } from '../processes/start-refused';

/** What is wrong with a dependency, and what the operator can do. */
export interface Fault {
  readonly text: string;
  readonly next?: string;
}

/** A fault found by a check, not by a failed call. */
export class FaultError extends StartRefused {
  override readonly name = 'FaultError';
  constructor(
    readonly text: string,
    readonly next: string,
  ) {
    super(`${text}. ${next}`);
  }
}

const CHECK_DATABASE = 'Check DATABASE_URL, and that Postgres runs and can be reached from here';
const CHECK_TEMPORAL = 'Check TEMPORAL_ADDRESS, TEMPORAL_TLS and TEMPORAL_API_KEY, and that Temporal runs';
const CHECK_RIGHTS =
  'Give the credentials in TEMPORAL_API_KEY or the client certificate that permission, or use others that have it';

/** By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), else Node's codes of a connection. */
const POSTGRES: Readonly<Record<string, string>> = {
  '3D000': 'Create the database that DATABASE_URL names',
  '28P01': 'Check the user and the password in DATABASE_URL',
  '28000': 'Check the user in DATABASE_URL, and that the server allows it to connect from here',
  '42501': 'Give the user in DATABASE_URL the right to create tables in its database',
  '57P03': 'Postgres is starting or shutting down: try again',
  '53300': 'Postgres has no connection left: raise max_connections, or run fewer processes',
};

/** By gRPC status (https://grpc.io/docs/guides/status-codes/). */
const TEMPORAL: Readonly<Record<number, string>> = {
  3: 'Check the value that the message names',
  4: CHECK_TEMPORAL,
  5: 'Check TEMPORAL_NAMESPACE, or run "npx holdfast setup"',
  7: CHECK_RIGHTS,
  8: "The namespace's rate limit is used up: try again, or raise it",
  12: 'This Temporal service (e.g. Temporal Cloud) has no API for it: do it in its web console',
  14: CHECK_TEMPORAL,
  16: 'Check TEMPORAL_API_KEY, or the client certificate and its key',
};

/** Describes a failure of Postgres or Temporal. Keeps the driver's message, which names what it could not reach. */
export function describeFault(error: unknown): Fault {
  if (error instanceof FaultError) return { text: error.text, next: error.next };
  const code = codeOf(error);
  const next = typeof code === 'number' ? TEMPORAL[code] : (POSTGRES[code ?? ''] ?? socketFault(code));
  return { text: messageOf(error), ...(next === undefined ? {} : { next }) };
}

/** A failed connection has no gRPC code. */
export function temporalUnreachable(address: string, error: unknown): FaultError {
  return new FaultError(`Temporal at ${address} does not answer: ${messageOf(error)}`, CHECK_TEMPORAL);
}

function socketFault(code: string | undefined): string | undefined {
  return code !== undefined && /^E[A-Z]+|^08/.test(code) ? CHECK_DATABASE : undefined;
}

function codeOf(error: unknown): string | number | undefined {
  const [inner] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return errorCode(error) ?? errorCode(inner) ?? (error instanceof Error ? errorCode(error.cause) : undefined);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const details = 'details' in error && typeof error.details === 'string' ? error.details : '';
  // Node's error has no message where it tried several addresses.
  const [inner] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return details || error.message || (inner instanceof Error ? inner.message : error.name);
}
