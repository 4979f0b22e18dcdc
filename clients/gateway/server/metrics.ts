import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GatewayDeps } from '../ports';
import { Problem } from './problem';

export interface GatewayMetrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly latency: Histogram<'method' | 'route'>;
  readonly dropped: Counter;
  readonly webhooks: Counter<'type' | 'result'>;
  readonly checkouts: Counter<'answer'>;
  readonly commands: Counter<'command' | 'answer'>;
}

// From the commit of a webhook (milliseconds) to the longest wait for a bank (25 s).
const LATENCY_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

/** Queried on each scrape. */
type MetricsDeps = Pick<GatewayDeps, 'inbox' | 'outbox' | 'notices'>;

/** The gateway's metrics, in their own registry. Labels are bounded: routes are patterns, never URLs. */
export function createMetrics(deps: MetricsDeps): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  backlogGauges(deps, registers);
  return {
    registry,
    requests: new Counter({
      name: 'holdfast_http_requests_total',
      help: 'Requests answered, by route and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: 'holdfast_http_request_duration_seconds',
      help: 'Time to the answer, by route',
      labelNames: ['method', 'route'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    }),
    dropped: new Counter({
      name: 'holdfast_http_connections_dropped_total',
      help: 'Connections closed at once because too many were open',
      registers,
    }),
    webhooks: new Counter({
      name: 'holdfast_webhook_events_total',
      help: 'Webhook deliveries by event type and result',
      labelNames: ['type', 'result'],
      registers,
    }),
    checkouts: new Counter({
      name: 'holdfast_checkouts_total',
      help: 'Checkouts by answer',
      labelNames: ['answer'],
      registers,
    }),
    commands: new Counter({
      name: 'holdfast_order_commands_total',
      help: 'Order commands by answer: accepted, or the reason of the refusal',
      labelNames: ['command', 'answer'],
      registers,
    }),
  };
}

/** Read on each scrape. While the database is away the series are absent: a zero would mean that nothing waits. */
function backlogGauges(deps: MetricsDeps, registers: Registry[]): void {
  statusGauge(registers, 'holdfast_inbox_events', 'Events in the inbox, by status', () => deps.inbox.countByStatus());
  statusGauge(registers, 'holdfast_notices', 'Notices that wait, failed or are in doubt, by status', () =>
    deps.notices.countOpen(),
  );
  new Gauge({
    name: 'holdfast_outbox_unpublished',
    help: 'Events of the outbox that are not published yet',
    registers,
    async collect() {
      const count = await deps.outbox.countUnpublished().catch(() => undefined);
      this.remove();
      if (count !== undefined) this.set(count);
    },
  });
}

function statusGauge(
  registers: Registry[],
  name: string,
  help: string,
  count: () => Promise<Readonly<Record<string, number>>>,
): void {
  new Gauge({
    name,
    help,
    labelNames: ['status'],
    registers,
    async collect() {
      const counts = await count().catch(() => ({}));
      this.reset();
      for (const [status, found] of Object.entries(counts)) this.set({ status }, found);
    },
  });
}

/** Runs a command and counts its answer: accepted, or the code of the refusal. Other errors are not answers of a command. */
export async function countedCommand<Result>(
  { commands }: GatewayMetrics,
  command: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const result = await run().catch((error: unknown) => {
    if (error instanceof Problem) commands.inc({ command, answer: error.extras.code });
    throw error;
  });
  commands.inc({ command, answer: 'accepted' });
  return result;
}
