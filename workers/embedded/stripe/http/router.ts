import { billingRoutes } from '../billing';
import { balanceRoutes } from '../after-sale/balance';
import { chargeRoutes, eventRoutes } from '../payments/charges-and-events';
import { customerDeleteRoute } from '../payments/customer-delete';
import { customerRoutes } from '../payments/customers';
import { disputeRoutes } from '../after-sale/disputes';
import { fraudWarningRoutes } from '../after-sale/fraud-warnings';
import { paymentIntentRoutes } from '../payments/payment-intents';
import { paymentMethodRoutes } from '../payments/payment-method-routes';
import { refundRoutes } from '../after-sale/refunds';
import type { Route } from './request';

// Each part of the API joins with a file of routes of its own.
const ROUTES: readonly Route[] = [
  ...customerRoutes,
  customerDeleteRoute,
  ...paymentMethodRoutes,
  ...paymentIntentRoutes,
  ...chargeRoutes,
  ...refundRoutes,
  ...balanceRoutes,
  ...disputeRoutes,
  ...fraudWarningRoutes,
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
