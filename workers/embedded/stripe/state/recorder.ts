import type { SimulatorState } from './state';

/** A request as it went over the wire, without its credentials. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Form-encoded: the query of a GET, the body of a POST. */
  readonly body: string;
  /** The status of the answer; undefined if the connection was reset. */
  readonly status: number | undefined;
}

/**
 * The requests that a simulator got, for replay against another server with Stripe's API. Requests that the simulator
 * refused as invalid (400, 401, 404) are left out unless `all` is set, because that server would refuse them, too.
 */
export function recordedRequests(
  simulator: { state: SimulatorState },
  options: { all?: boolean } = {},
): RecordedRequest[] {
  return simulator.state
    .requests()
    .filter(({ status }) => options.all === true || status === undefined || ![400, 401, 404].includes(status))
    .map(({ method, path, body, status }) => ({ method, path, body, status: status === 0 ? undefined : status }));
}

/** One request for each different form of request (method, path without ids, names of the parameters). */
export function distinctRequests(requests: readonly RecordedRequest[]): RecordedRequest[] {
  const byForm = new Map<string, RecordedRequest>();
  for (const request of requests) {
    const path = request.path.replaceAll(/\/[a-z]+_[A-Za-z0-9_]+(?=\/|$)/g, (id) => (isName(id) ? id : '/:id'));
    const names = request.body
      .split('&')
      .map((pair) => decodeURIComponent(pair.split('=')[0] ?? '').replace(/^metadata\[.*$/, 'metadata'));
    const form = `${request.method} ${path} ${[...new Set(names)].sort().join('&')}`;
    if (!byForm.has(form)) byForm.set(form, request);
  }
  return [...byForm.values()];
}

/** Names in the API have no digits and no capitals, ids have; except ids of test cards. */
function isName(segment: string): boolean {
  return /^\/[a-z_]+$/.test(segment) && !/^\/(pm_card|tok)_/.test(segment);
}
