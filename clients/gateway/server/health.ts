import type { FastifyInstance } from 'fastify';
import type { GatewayMetrics } from './metrics';
import type { GatewayDeps, ReadinessChecks } from '../ports';
import { unavailable } from './problem';

/** A dependency that takes longer counts as failed: orchestrators probe every few seconds and give up after one or two. */
const CHECK_LIMIT_MS = 2_000;

/**
 * `/healthz`: the process runs. `/readyz`: it can take orders. `/metrics`: its metrics. None of them needs an API key.
 */
export function registerHealth(
  app: FastifyInstance,
  { readiness, optionalReadiness = {} }: Pick<GatewayDeps, 'readiness' | 'optionalReadiness'>,
  metrics: GatewayMetrics,
  isClosing: () => boolean,
): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    const [needed, optional] = await Promise.all([run(readiness, 'failed'), run(optionalReadiness, 'degraded')]);
    const checks = { ...needed, ...optional };
    const failed = Object.keys(checks).filter((name) => checks[name] === 'failed');
    if (isClosing()) throw unavailable('The gateway is shutting down', { code: 'closing', checks });
    if (failed.length > 0) {
      throw unavailable(`Not available: ${failed.join(', ')}`, { code: 'not_ready', checks });
    }
    return { status: 'ready', checks };
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}

async function run(
  checks: ReadinessChecks,
  otherwise: 'failed' | 'degraded',
): Promise<Readonly<Record<string, string>>> {
  const results = Object.entries(checks).map(
    async ([name, check]) => [name, (await answers(check)) ? 'ok' : otherwise] as const,
  );
  return Object.fromEntries(await Promise.all(results));
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
