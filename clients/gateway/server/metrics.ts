import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GatewayDeps } from '../ports';

export interface GatewayMetrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly latency: Histogram<'method' | 'route'>;
  readonly dropped: Counter;
  readonly webhooks: Counter<'type' | 'result'>;
  readonly checkouts: Counter<'answer'>;
  readonly commands: Counter<'command' | 'answer'>;
}

// From a webhook's commit (milliseconds) to the longest bounded wait for a bank (25 s).
const LATENCY_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

/** What is asked when figures are scraped. */
type MetricsDeps = Pick<GatewayDeps, 'inbox' | 'outbox' | 'notices'>;

/** The gateway's figures, in a registry of its own. Labels are bounded: routes are patterns, never URLs. */
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
      help: 'Connections closed at once since too many were open',
      registers,
    }),
    webhooks: new Counter({
      name: 'holdfast_webhook_events_total',
      help: 'Webhook deliveries by event type and what became of them',
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

/** Read when they are scraped. While the database is away they are absent: a zero would say that nothing waits. */
function backlogGauges(deps: MetricsDeps, registers: Registry[]): void {
  statusGauge(registers, 'holdfast_inbox_events', 'Events in the inbox, by status', () => deps.inbox.countByStatus());
  statusGauge(
    registers,
    'holdfast_notices',
    'Notices that still wait, and those that failed or are in doubt and want a look, by status',
    () => deps.notices.countOpen(),
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
