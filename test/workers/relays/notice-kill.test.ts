import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { pino } from 'pino';
import { createNoticeChannels } from '../../../activities/notifications';
import { createNoticeStore, createPool } from '../../../activities/storage';
import { transact } from '../../../activities/storage/postgres/database';
import { queueNotice } from '../../../activities/storage/notices/notices';
import { startMailServer } from '../../../workers/embedded/servers/mail/server';
import { findFreePort } from '../../../workers/embedded/servers/ports';
import { startStripeSimulator } from '../../../workers/embedded/stripe/server';
import { relayNotices } from '../../../workers/relays/notice-relay';
import { createDatabase, testEnvironment, uniqueName } from '../../support/environment';
import { eventually } from '../../support/time/eventually';
import { startWebhookReceiver } from '../../support/webhooks/receiver';
import { recovered } from './notice-world';

// A real worker as a process of its own: `npm test` builds it first.
const WORKER = resolve(__dirname, '../../../dist/workers/processes/worker-main.js');
const LEASE_OVER_MS = 121_000;

const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

it('a worker killed between the hand-over of a mail and its record: the mail is in doubt and is not sent again', async () => {
  const [database, simulator, mail, receiver] = await Promise.all([
    createDatabase(),
    startStripeSimulator(),
    startMailServer({ ports: 'auto' }),
    startWebhookReceiver(),
  ]);
  const pool = createPool(database.url);
  stops.push(database.drop, () => Promise.all([pool.end(), simulator.stop(), mail.stop(), receiver.close()]));
  const settings = {
    mail: { url: mail.smtpUrl, from: 'shop@shop.example', shopEmail: 'people@shop.example' },
    webhook: { url: receiver.url, secret: receiver.secret },
  };
  const { temporalAddress, temporalNamespace, redisUrl } = testEnvironment();
  const worker = spawn(process.execPath, [WORKER], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: temporalNamespace,
      HOLDFAST_TASK_QUEUE: uniqueName('notices'),
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      STRIPE_SECRET_KEY: simulator.secretKey,
      STRIPE_WEBHOOK_SECRET: simulator.webhookSecret,
      STRIPE_API_URL: simulator.url,
      HOLDFAST_API_KEYS: randomBytes(16).toString('hex'),
      HOLDFAST_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      HOLDFAST_WORKER_PORT: String(await findFreePort()),
      SMTP_URL: settings.mail.url,
      MAIL_FROM: settings.mail.from,
      HOLDFAST_SHOP_EMAIL: settings.mail.shopEmail,
      NOTICE_WEBHOOK_URL: settings.webhook.url,
      NOTICE_WEBHOOK_SECRET: settings.webhook.secret,
    },
  });
  stops.push(() => worker.kill('SIGKILL'));
  let said = '';
  worker.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((done) => worker.once('exit', (code, signal) => done(signal ?? `${code}: ${said}`)));
  // The mail is kept, and its sender is gone before it hears of it.
  mail.setFaults({ beforeAnswer: () => void worker.kill('SIGKILL') });
  const notice = recovered({ dueAt: new Date().toISOString(), recipient: { to: 'shop' } });
  await transact(pool, async (tx) => queueNotice(tx, notice, new Date()));
  expect(await ended).toBe('SIGKILL');
  mail.setFaults({});

  const store = createNoticeStore({ pool, now: () => new Date(Date.now() + LEASE_OVER_MS) });
  const view = async () => (await store.listNotices({ limit: 1 }))[0];
  expect([await view(), mail.mails().length]).toMatchObject([{ status: 'sending', channels: [] }, 1]);
  const log = pino({ level: 'silent' });
  const lookup = async () => undefined;
  const channels = createNoticeChannels(settings, { ofOrder: lookup, ofProviderCustomer: lookup, log });
  stops.push(() => channels.close());
  const found = await eventually('the lease to run out', async () => {
    const now = () => Date.now() + LEASE_OVER_MS;
    return (await relayNotices({ store, channels, log, now })) > 0 && view();
  });
  expect(found).toMatchObject({ status: 'in_doubt', channels: ['webhook'], attempts: 2 });
  expect([mail.mails().length, receiver.received.map(({ id }) => id)]).toEqual([1, [notice.noticeKey]]);
});
