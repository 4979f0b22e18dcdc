import type { FastifyInstance } from 'fastify';
import type { GatewayMetrics } from './metrics';
import type { ReadinessChecks } from './ports';
import { unavailable } from './problem';

/** A dependency that takes longer is as good as away: orchestrators ask every few seconds and give up after one or two. */
const CHECK_LIMIT_MS = 2_000;

/** `/healthz`: this process lives. `/readyz`: what it needs answers. `/metrics`: its figures. None wants an API key. */
export function registerHealth(
  app: FastifyInstance,
  checks: ReadinessChecks,
  metrics: GatewayMetrics,
  isClosing: () => boolean,
): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    const results = Object.fromEntries(
      await Promise.all(
        Object.entries(checks).map(async ([name, check]) => [name, (await answers(check)) ? 'ok' : 'failed'] as const),
      ),
    );
    const failed = Object.keys(results).filter((name) => results[name] === 'failed');
    if (isClosing()) throw unavailable('The gateway is shutting down', { code: 'closing', checks: results });
    if (failed.length > 0) {
      throw unavailable(`Does not answer: ${failed.join(', ')}`, { code: 'not_ready', checks: results });
    }
    return { status: 'ready', checks: results };
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

async function answers(check: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_LIMIT_MS);
  });
  const fine = Promise.resolve()
    .then(check)
    .then(
      () => true,
      () => false,
    );
  try {
    return await Promise.race([fine, late]);
  } finally {
    clearTimeout(timer);
  }
}
