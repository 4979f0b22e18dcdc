import type { Logger } from 'pino';
import type { HoldfastClient } from '../../clients';
import { createGateway } from '../../clients/gateway';
import type { Dependencies } from '../../workers/dependencies';

/** The real gateway on a free port, with its logger as quiet as the rest. */
export async function startBenchGateway(
  dependencies: Dependencies,
  holdfast: HoldfastClient,
  log: Logger,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { queries, inbox, outbox, idempotency, verifyWebhook, pool } = dependencies;
  const gateway = await createGateway(
    {
      holdfast,
      orders: queries,
      inbox,
      outbox,
      idempotency,
      verifyWebhook,
      readiness: { postgres: () => pool.query('SELECT 1') },
    },
    { apiKeys: ['benchmark-benchmark'], logger: log, closeLimitMs: 5_000 },
  );
  await gateway.listen(0, '127.0.0.1');
  return { url: gateway.url, close: () => gateway.close() };
}
