import type { NoticeKind } from '../../workflows/domain/notice/notices';
import type { Contact, FindContact, NoticeChannel } from './channel';
import { logChannel, type NoticeLog } from './log';
import { smtpChannel } from './smtp';
import { createRenderer } from './templates';
import { webhookChannel } from './webhook';

export type { Contact, Delivery, FindContact, NoticeChannel, NoticeToSend, PreparedMessage, Refusal } from './channel';
export { messageIdOf, SMTP_CONNECTIONS } from './smtp';
export type { WebhookPayload } from './webhook';

/** The configured channels. Notices that no configured channel sends are written to the log. */
export interface NotificationSettings {
  readonly mail?: {
    /** `smtp://` or `smtps://`, with user and password if the server requires them. */
    readonly url: string;
    /** `Name <address>` or an address; mails are signed with the name. */
    readonly from: string;
    /** The address of the shop's own people. Absent: notices to the shop are not mailed. */
    readonly shopEmail?: string;
    /** Kinds of notices that are not mailed because the shop sends its own mails. Webhooks still get them. */
    readonly off?: readonly NoticeKind[];
  };
  readonly webhook?: { readonly url: string; readonly secret: string };
}

export interface NotificationDeps {
  readonly ofOrder: (orderId: string) => Promise<Contact | undefined>;
  readonly ofProviderCustomer: (stripeCustomerId: string) => Promise<Contact | undefined>;
  readonly log: NoticeLog;
}

/**
 * Creates the configured channels. A notice goes to the log only if no other channel sends it: a notice that a channel has
 * accepted counts as sent, and a log line reaches no customer.
 * @throws Error at once if a template is missing or invalid, or if the webhook's secret cannot be used
 */
export function createNoticeChannels(settings: NotificationSettings, deps: NotificationDeps): NoticeChannels {
  const { mail, webhook } = settings;
  const channels: NoticeChannel[] = [];
  if (mail !== undefined) channels.push(mailChannel(mail, contactLookup(deps, mail.shopEmail)));
  if (webhook !== undefined) channels.push(webhookChannel(webhook));
  const fallback = logChannel(deps.log);
  return {
    for(notice) {
      const reaching = channels.filter((channel) => channel.reaches(notice));
      return reaching.length > 0 ? reaching : [fallback];
    },
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

export interface NoticeChannels {
  /** The channels that send such a notice; at least one. */
  for(notice: Parameters<NoticeChannel['reaches']>[0]): readonly NoticeChannel[];
  /** Aborts what is under way. */
  close(): void;
}

/** Looks every recipient up afresh, so that a customer's new address is used at once. */
function contactLookup({ ofOrder, ofProviderCustomer }: NotificationDeps, shopEmail: string | undefined): FindContact {
  return async (recipient) => {
    switch (recipient.to) {
      case 'order_customer':
        return ofOrder(recipient.orderId);
      case 'provider_customer':
        return ofProviderCustomer(recipient.stripeCustomerId);
      case 'shop':
        return shopEmail === undefined ? undefined : { email: shopEmail };
    }
  };
}

function mailChannel(mail: NonNullable<NotificationSettings['mail']>, findContact: FindContact): NoticeChannel {
  const { url, from, shopEmail, off } = mail;
  return smtpChannel({
    url,
    from,
    findContact,
    render: createRenderer(nameIn(from)),
    reachesShop: shopEmail !== undefined,
    ...(off !== undefined && { off }),
  });
}

/** The name in `Name <address>` or `"Name" <address>`. */
function nameIn(from: string): string | undefined {
  const name = /^\s*"?([^"<]*?)"?\s*</.exec(from)?.[1];
  return name === '' ? undefined : name;
}
