import { z } from 'zod';

/** The gateway refused, or could not be reached; the command ends with status 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  constructor(
    message: string,
    /** The gateway's problem+json, for `--json`. */
    readonly problem?: unknown,
  ) {
    super(message);
  }
}

/** Wrong usage or environment; the command ends with status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const problemSchema = z.looseObject({
  title: z.string(),
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

/** A little longer than the gateway itself waits, so that its answer is shown instead of a timeout. */
const REQUEST_LIMIT_MS = 35_000;

export interface GatewayClient {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown, idempotencyKey?: string): Promise<unknown>;
}

/** Talks to the gateway by HTTP. @throws {UsageError} without an API key or with a malformed URL */
export function createGatewayClient(environment: NodeJS.ProcessEnv): GatewayClient {
  const base = environment['HOLDFAST_URL'] ?? 'http://127.0.0.1:8080';
  const apiKey = environment['HOLDFAST_API_KEY'];
  if (!URL.canParse(base) || !/^https?:/.test(base))
    throw new UsageError('HOLDFAST_URL is not an http(s) URL, e.g. http://127.0.0.1:8080');
  if (apiKey === undefined || apiKey === '') {
    throw new UsageError('HOLDFAST_API_KEY is not set; npm start prints one');
  }
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
  return {
    get: (path) => send(base, path, { headers }),
    post: (path, body, idempotencyKey) =>
      send(base, path, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        body: JSON.stringify(body),
      }),
  };
}

async function send(base: string, path: string, init: RequestInit): Promise<unknown> {
  const url = new URL(path, base);
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_LIMIT_MS) }).catch(
    (error: unknown) => {
      throw new CommandFailed(`The gateway at ${url.origin} cannot be reached: ${reasonOf(error)}`);
    },
  );
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  throw new CommandFailed(describeProblem(response.status, body), body);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error.message;
}

function describeProblem(status: number, body: unknown): string {
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success) return `The gateway answered with status ${status} and no explanation`;
  const { title, detail = title, code, errors = [] } = parsed.data;
  const fields = errors.map((one) => `\n  ${one.field}: ${one.message}`).join('');
  return `${detail} (${code ?? status})${fields}`;
}
