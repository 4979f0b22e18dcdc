import { pino } from 'pino';
import { createNoticeChannels } from '../../../activities/notifications';
import type { NoticeChannels, NotificationSettings } from '../../../activities/notifications';
import { createNoticeStore, createOrderContacts } from '../../../activities/storage';
import type { NoticeStore } from '../../../activities/storage';
import { transact } from '../../../activities/storage/postgres/database';
import { cancelNotices, queueNotice } from '../../../activities/storage/notices/notices';
import type { Notice, NoticeView } from '../../../workflows/domain/notice/notices';
import { startMailServer } from '../../../workers/embedded/servers/mail/server';
import type { MailServer } from '../../../workers/embedded/servers/mail/server';
import { relayNotices } from '../../../workers/relays/notice-relay';
import type { NoticeRelayDependencies } from '../../../workers/relays/notice-relay';
import { openShop } from '../../activities/storage/shop';
import type { Shop } from '../../activities/storage/shop';
import { startWebhookReceiver } from '../../support/webhooks/receiver';
import type { WebhookReceiver } from '../../support/webhooks/receiver';

/** Real Postgres, a real mail server and a real receiver of webhooks, and a clock that only the test moves. */
export interface NoticeWorld {
  readonly shop: Shop;
  readonly mail: MailServer;
  readonly receiver: WebhookReceiver;
  readonly store: NoticeStore;
  /** Everything that was logged, as text. */
  readonly logged: () => string;
  readonly clock: { nowMs: number };
  queue(...notices: Notice[]): Promise<void>;
  cancel(subjectId: string): Promise<void>;
  /** A relay's dependencies; the channels of an earlier one are closed at the end. */
  relay(settings?: NotificationSettings, changes?: Partial<NoticeRelayDependencies>): NoticeRelayDependencies;
  /** Both channels. */
  readonly both: NotificationSettings;
  /** E-mail alone. */
  readonly mailOnly: { readonly mail: NonNullable<NotificationSettings['mail']> };
  run(deps: NoticeRelayDependencies): Promise<number>;
  view(noticeKey: string): Promise<NoticeView>;
  /** As it was at the start. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Far from the computer's clock: nothing may ask that one. */
export const START_MS = Date.parse('2031-03-01T00:00:00.000Z');

export async function openNoticeWorld(): Promise<NoticeWorld> {
  const [shop, mail, receiver] = await Promise.all([
    openShop(),
    startMailServer({ ports: 'auto' }),
    startWebhookReceiver(),
  ]);
  const clock = { nowMs: START_MS };
  const now = (): Date => new Date(clock.nowMs);
  const store = createNoticeStore({ pool: shop.pool, now });
  let logged = '';
  const log = pino({ level: 'trace' }, { write: (line: string) => void (logged += line) });
  const opened: NoticeChannels[] = [];
  const mailOnly = {
    mail: { url: mail.smtpUrl, from: 'Sample Shop <shop@shop.example>', shopEmail: 'people@shop.example' },
  };
  return {
    shop,
    mail,
    receiver,
    store,
    logged: () => logged,
    clock,
    async queue(...notices) {
      await transact(shop.pool, async (tx) => {
        for (const notice of notices) queueNotice(tx, notice, now());
      });
    },
    async cancel(subjectId) {
      await transact(shop.pool, async (tx) => cancelNotices(tx, { type: 'subscription', id: subjectId }, now()));
    },
    relay(settings = mailOnly, changes = {}) {
      const channels = createNoticeChannels(settings, {
        ofOrder: createOrderContacts(shop.pool, shop.keyring),
        ofProviderCustomer: async (id) => ({ email: `${id}@customers.example`, name: 'Sample Customer' }),
        log,
      });
      opened.push(channels);
      return { store, channels, log, now: () => clock.nowMs, ...changes };
    },
    both: { ...mailOnly, webhook: { url: receiver.url, secret: receiver.secret } },
    mailOnly,
    async run(deps) {
      let total = 0;
      for (let found = await relayNotices(deps); found > 0; found = await relayNotices(deps)) total += found;
      return total;
    },
    async view(noticeKey) {
      const found = (await store.listNotices({ limit: 500 })).find((one) => one.noticeKey === noticeKey);
      if (found === undefined) throw new Error(`no notice ${noticeKey}`);
      return found;
    },
    async reset() {
      for (const channels of opened.splice(0)) channels.close();
      mail.setFaults({});
      mail.clear();
      receiver.reset();
      clock.nowMs = START_MS;
      logged = '';
      await shop.sql('DELETE FROM notices');
    },
    async close() {
      for (const channels of opened) channels.close();
      await Promise.all([mail.stop(), receiver.close()]);
      await shop.close();
    },
  };
}

let made = 0;

/** A notice of a subscription of its own. */
export function recovered(changes: Partial<Extract<Notice, { kind: 'payment_recovered' }>> = {}): Notice {
  made += 1;
  const id = `sub_${made}`;
  return {
    noticeKey: `dunning:in_${made}:payment_recovered`,
    kind: 'payment_recovered',
    subject: { type: 'subscription', id },
    recipient: { to: 'provider_customer', stripeCustomerId: `cus_${made}` },
    data: { amount: { amount: 1_999, currency: 'eur' }, productName: 'Tea Club' },
    dueAt: new Date(START_MS).toISOString(),
    ...changes,
  };
}

/** Resolves once the condition holds; looked at with every turn of the loop. */
export function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => void (condition() ? setTimeout(resolve, 0) : setImmediate(look));
    look();
  });
}
