import type { HoldfastClient } from '../clients';
import type { GatewayDeps } from '../clients/gateway';
import type { Dependencies } from './dependencies';

/** What the gateway needs of a process's parts. */
export function gatewayDependencies(
  dependencies: Dependencies,
  holdfast: HoldfastClient,
  readiness: GatewayDeps['readiness'] = {},
): GatewayDeps {
  const {
    queries,
    rates,
    settlement,
    notices,
    disputes,
    subscriptions,
    inbox,
    outbox,
    idempotency,
    verifyWebhook,
    pool,
  } = dependencies;
  return {
    holdfast,
    orders: queries,
    settlement,
    notices,
    disputes,
    subscriptions,
    rates,
    inbox,
    outbox,
    idempotency,
    verifyWebhook,
    readiness: { postgres: () => pool.query('SELECT 1'), ...readiness },
  };
}
