import type { Logger } from 'pino';
import type { HoldfastClient } from '../../clients/client';
import { createGateway } from '../../clients/gateway';
import type { Dependencies } from '../../workers/dependencies/dependencies';
import { gatewayDependencies } from '../../workers/dependencies/gateway-dependencies';

/** The real gateway on a free port, with its logger as quiet as the rest. */
export async function startBenchGateway(
  dependencies: Dependencies,
  holdfast: HoldfastClient,
  log: Logger,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const gateway = await createGateway(gatewayDependencies(dependencies, holdfast), {
    apiKeys: ['benchmark-benchmark'],
    logger: log,
    closeLimitMs: 5_000,
  });
  await gateway.listen(0, '127.0.0.1');
  return { url: gateway.url, close: () => gateway.close() };
}
