import { billingRoutes } from './billing';
import { chargeRoutes, eventRoutes } from './charges-and-events';
import { customerRoutes } from './customers';
import { paymentIntentRoutes } from './payment-intents';
import { paymentMethodRoutes } from './payment-methods';
import type { Route } from './request';

// Refunds, disputes, balance transactions and billing join here, each with a file of routes of its own.
const ROUTES: readonly Route[] = [
  ...customerRoutes,
  ...paymentMethodRoutes,
  ...paymentIntentRoutes,
  ...chargeRoutes,
  ...eventRoutes,
  ...billingRoutes,
];

interface CompiledRoute {
  readonly route: Route;
  readonly pattern: RegExp;
}

// Literal paths come before those with ids, so that `/search` is not taken for an id.
const COMPILED: readonly CompiledRoute[] = [...ROUTES]
  .sort((left, right) => Number(left.path.includes(':')) - Number(right.path.includes(':')))
  .map((route) => ({ route, pattern: new RegExp(`^${route.path.replaceAll(/:\w+/g, '([^/]+)')}$`) }));

/** The route for a request, with the ids in its path; undefined where the API has none. */
export function findRoute(method: string, path: string): { route: Route; ids: string[] } | undefined {
  for (const { route, pattern } of COMPILED) {
    if (route.method !== method) continue;
    const match = pattern.exec(path);
    if (match !== null) return { route, ids: match.slice(1).map(decodeURIComponent) };
  }
  return undefined;
}
