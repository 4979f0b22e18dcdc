import type { Pool } from 'pg';
import type { MailServer } from '../../../workers/embedded/servers/mail/server';
import type { StripeSimulator } from '../../../workers/embedded/stripe/server';
import { percentile } from '../load';
import type { Shop } from '../shop';

/** What was said, held against what the mail server and the provider know of it: our own word counts for nothing here. */
export interface NoticeAudit {
  readonly told: number;
  /** By kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Mails that came more than once, by their id or by what they say to whom. */
  readonly twice: number;
  /** Notices of a failure that went out after the invoice was paid. */
  readonly afterRecovery: number;
  /** Notices that went out while it was night where the customer lives. */
  readonly inQuietHours: number;
  /** Neither told nor taken back: failed, in doubt, or still waiting. */
  readonly open: number;
  /** From the transaction that made it true to the mail server's answer, in real time. */
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
}

/** Hours of the day in which nobody is told anything, as the default policy has them. */
const QUIET = { fromHour: 21, toHour: 8 } as const;
const RECOVERED = 'payment_recovered';
const BURST_LIMIT_MS = 10 * 60_000;

interface NoticeRow {
  readonly subscriptionId: string;
  readonly kind: string;
  readonly status: string;
  readonly dueAt: Date;
  readonly queuedAt: Date;
  readonly sentAt: Date | null;
}

/** @param zones IANA names by subscription */
export async function auditNotices(
  { simulator, dependencies: { pool } }: Shop,
  mail: MailServer,
  zones: ReadonlyMap<string, string>,
): Promise<NoticeAudit> {
  const { rows } = await pool.query<NoticeRow>(
    `SELECT subject_id AS "subscriptionId", kind, status, due_at AS "dueAt", queued_at AS "queuedAt", sent_at AS "sentAt"
       FROM notices WHERE subject_type = 'subscription'`,
  );
  const recoveredMs = recoveries(simulator);
  const kinds: Record<string, number> = {};
  const waits: number[] = [];
  let afterRecovery = 0;
  let inQuietHours = 0;
  for (const { subscriptionId, kind, dueAt, queuedAt, sentAt } of rows) {
    if (sentAt === null) continue;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    waits.push(sentAt.getTime() - queuedAt.getTime());
    // By the workflow's clock, which showed `dueAt` when it was queued.
    const toldMs = dueAt.getTime() + sentAt.getTime() - queuedAt.getTime();
    if (kind !== RECOVERED && toldMs > (recoveredMs.get(subscriptionId) ?? Infinity)) afterRecovery += 1;
    if (isQuiet(toldMs, zones.get(subscriptionId) ?? 'UTC')) inQuietHours += 1;
  }
  return {
    told: waits.length,
    kinds,
    twice: mailsTwice(mail),
    afterRecovery,
    inQuietHours,
    open: rows.filter(({ status }) => !['sent', 'canceled', 'expired'].includes(status)).length,
    waitP50Ms: percentile(waits, 0.5),
    waitP99Ms: percentile(waits, 0.99),
  };
}

/** When the provider had the money of a renewal. */
function recoveries({ state }: StripeSimulator): Map<string, number> {
  const paid = new Map<string, number>();
  for (const object of state.objects('invoices') ?? []) {
    const invoice = object as {
      billing_reason: string;
      status_transitions: { paid_at: number | null };
      parent: { subscription_details?: { subscription?: unknown } | null } | null;
    };
    const subscriptionId = invoice.parent?.subscription_details?.subscription;
    const { paid_at: paidAt } = invoice.status_transitions;
    if (paidAt === null || invoice.billing_reason !== 'subscription_cycle' || typeof subscriptionId !== 'string')
      continue;
    paid.set(subscriptionId, paidAt * 1_000);
  }
  return paid;
}

function isQuiet(ms: number, timeZone: string): boolean {
  const hour = Number(new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', hourCycle: 'h23' }).format(ms));
  return hour >= QUIET.fromHour || hour < QUIET.toHour;
}

function mailsTwice(mail: MailServer): number {
  const mails = mail.mails();
  const surplus = (keys: readonly string[]): number => keys.length - new Set(keys).size;
  const said = mails.map(({ to, subject, text }) => JSON.stringify([to, subject, text]));
  return Math.max(surplus(mails.map(({ messageId }) => messageId)), surplus(said));
}

/**
 * How fast notices go out that are all due at once: copies of one that was told, to customers of the run, over SMTP. Each of
 * them costs a look at its customer at the provider.
 */
export async function burstOfNotices(shop: Shop, count: number): Promise<{ count: number; perSecond: number }> {
  const { pool } = shop.dependencies;
  const { rowCount } = await pool.query(
    `INSERT INTO notices (notice_key, kind, subject_type, subject_id, recipient, data, due_at, queued_at, next_attempt_at)
     SELECT 'burst-' || n, kind, subject_type, 'burst-' || n, recipient, data, now(), now(), now()
       FROM generate_series(1, $1) n,
            LATERAL (SELECT * FROM notices WHERE status = 'sent' AND kind = 'payment_failed' ORDER BY md5(notice_key || n) LIMIT 1) told`,
    [count],
  );
  const spanMs = await burstSpanMs(pool);
  return { count: rowCount ?? 0, perSecond: (1_000 * (rowCount ?? 0)) / spanMs };
}

async function burstSpanMs(pool: Pool): Promise<number> {
  const sql = `SELECT count(*) FILTER (WHERE sent_at IS NULL) AS waiting,
      1000 * extract(epoch FROM max(sent_at) - min(queued_at)) AS "spanMs"
    FROM notices WHERE notice_key LIKE 'burst-%'`;
  const deadline = performance.now() + BURST_LIMIT_MS;
  for (;;) {
    const { rows } = await pool.query<{ waiting: string; spanMs: string }>(sql);
    if (Number(rows[0]?.waiting) === 0) return Number(rows[0]?.spanMs);
    if (performance.now() > deadline) throw new Error(`${rows[0]?.waiting} notices of a burst were not told in time`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
