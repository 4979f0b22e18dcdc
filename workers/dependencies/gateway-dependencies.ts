import type { Pool } from 'pg';
import { readSchemaState } from '../../activities/storage';
import type { HoldfastClient } from '../../clients/client';
import type { GatewayDeps } from '../../clients/gateway';
import type { Dependencies } from './dependencies';

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
    redis,
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
    readiness: { postgres: () => assertSchema(pool), ...readiness },
    optionalReadiness: { redis: () => redis.ping() },
  };
}

/** @throws where the schema is not the one that this build was written for */
async function assertSchema(pool: Pool): Promise<void> {
  const { missing } = await readSchemaState(pool);
  if (missing.length > 0) throw new Error(`migrations are missing: ${missing.join(', ')}`);
}
