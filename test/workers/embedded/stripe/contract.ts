import type Stripe from 'stripe';
import type { RecordedRequest } from '../../../../workers/embedded/stripe/server';

export interface AllowedParameter {
  /** The top-level name. */
  readonly parameter: string;
  readonly reason: string;
}

/**
 * Parameters that the product sends and stripe-mock 0.203.0 does not know, each with its reason. Empty now: its
 * specification knows all that we send, `allowed_payment_method_types` included.
 */
export const ALLOWED: readonly AllowedParameter[] = [];

export interface ContractAnswer {
  readonly request: string;
  /** `allowed`: refused for nothing but parameters on the allow-list, and taken without them. */
  readonly verdict: 'taken' | 'allowed' | 'refused';
  readonly status: number;
  readonly message: string | undefined;
  /** The parameters that had to be left out. */
  readonly parameters: readonly string[];
}

/** Sends recorded requests to a Stripe-shaped server and says which it refuses. */
export async function replay(
  url: string,
  requests: readonly RecordedRequest[],
  allowed: readonly AllowedParameter[] = ALLOWED,
): Promise<ContractAnswer[]> {
  const answers: ContractAnswer[] = [];
  for (const request of requests) answers.push(await replayOne(url, request, allowed));
  return answers;
}

async function replayOne(
  url: string,
  request: RecordedRequest,
  allowed: readonly AllowedParameter[],
): Promise<ContractAnswer> {
  const name = `${request.method} ${request.path} ${request.body}`;
  const first = await send(url, request, request.body);
  if (first.status === 200) return { request: name, verdict: 'taken', ...first, parameters: [] };
  const { body, removed } = withoutAllowed(request.body, allowed);
  if (removed.length === 0) return { request: name, verdict: 'refused', ...first, parameters: [] };
  const second = await send(url, request, body);
  return { request: name, verdict: second.status === 200 ? 'allowed' : 'refused', ...second, parameters: removed };
}

function withoutAllowed(body: string, allowed: readonly AllowedParameter[]): { body: string; removed: string[] } {
  const removed = new Set<string>();
  const kept = body.split('&').filter((pair) => {
    const name = decodeURIComponent(pair.split('=')[0] ?? '').split('[')[0] ?? '';
    const isAllowed = allowed.some(({ parameter }) => parameter === name);
    if (isAllowed) removed.add(name);
    return !isAllowed;
  });
  return { body: kept.join('&'), removed: [...removed] };
}

async function send(
  url: string,
  request: RecordedRequest,
  body: string,
): Promise<{ status: number; message: string | undefined }> {
  const isPost = request.method === 'POST';
  const query = isPost || body === '' ? '' : `?${body}`;
  const headers = {
    authorization: 'Bearer sk_test_123',
    ...(isPost ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
  };
  const response = await fetch(`${url}${request.path}${query}`, {
    method: request.method,
    headers,
    ...(isPost ? { body } : {}),
  });
  const answer = (await response.json()) as { error?: { message?: string } };
  return { status: response.status, message: answer.error?.message };
}

/** Asks a Stripe-shaped server for an object, to hold another answer against it. */
export async function fetchAnswer(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: 'Bearer sk_test_123' } });
  return response.json();
}

/**
 * The fields in which two answers differ: `-name` is missing in `ours`, `+name` is not in `theirs`, `name` is of another
 * type. What is null, empty or absent on either side has no type to differ in; of a list the first item counts.
 */
export function differences(theirs: unknown, ours: unknown, path = ''): string[] {
  if (Array.isArray(theirs) && Array.isArray(ours))
    return theirs.length === 0 || ours.length === 0 ? [] : differences(theirs[0], ours[0], `${path}[]`);
  if (isMap(theirs) && isMap(ours)) {
    if (Object.keys(theirs).length === 0) return [];
    const names = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
    return [...names].flatMap((name) => {
      const field = path === '' ? name : `${path}.${name}`;
      if (!(name in ours)) return [`-${field}`];
      return name in theirs ? differences(theirs[name], ours[name], field) : [`+${field}`];
    });
  }
  if (theirs === null || ours === null) return [];
  return typeof theirs === typeof ours && Array.isArray(theirs) === Array.isArray(ours) ? [] : [path];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of these objects and lists that the simulator answers and stripe-mock does not, or the other way round; sorted. */
export async function differingFields(stripe: Stripe, mockUrl: string, paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const ours: unknown = await stripe.rawRequest('GET', path);
    const { lastResponse: _response, ...answer } = ours as Record<string, unknown>;
    for (const field of differences(await fetchAnswer(mockUrl, path), answer)) found.add(field.replace('data[].', ''));
  }
  return [...found].sort();
}
