import type { NoticeKind } from '../../workflows/domain/notice/notices';
import type { Contact, FindContact, NoticeChannel } from './channel';
import { contactLookup } from './contacts';
import { logChannel, type NoticeLog } from './log';
import { smtpChannel } from './smtp';
import { createRenderer } from './templates';
import { webhookChannel } from './webhook';

export type { Contact, Delivery, FindContact, NoticeChannel, NoticeToSend, PreparedMessage, Refusal } from './channel';
export { messageIdOf, SMTP_CONNECTIONS } from './smtp';
export type { WebhookPayload } from './webhook';

/** How notices leave. What is absent is not told in that way; where nothing is left, the log is told. */
export interface NotificationSettings {
  readonly mail?: {
    /** `smtp://` or `smtps://`, with user and password where the server wants them. */
    readonly url: string;
    /** `Name <address>` or an address; mails are signed with the name. */
    readonly from: string;
    /** Where the shop's own people read. */
    readonly shopEmail?: string;
    /** Kinds of notices that are not mailed: the shop sends mails of its own. Webhooks get them all the same. */
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
 * The channels that are configured, in the order in which they are asked. The log is one only where no other reaches somebody:
 * what a channel has taken counts as told, and a line in a log tells no customer.
 * @throws Error at once where a template is missing or wrong, or a secret cannot be used
 */
export function createNoticeChannels(settings: NotificationSettings, deps: NotificationDeps): NoticeChannels {
  const { mail, webhook } = settings;
  const channels: NoticeChannel[] = [];
  if (mail !== undefined) channels.push(mailChannel(mail, contacts(settings, deps)));
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

/** The ways in which notices leave. */
export interface NoticeChannels {
  /** Those that tell such a notice; never none. */
  for(notice: Parameters<NoticeChannel['reaches']>[0]): readonly NoticeChannel[];
  /** Ends at once what is under way. */
  close(): void;
}

function contacts({ mail }: NotificationSettings, { ofOrder, ofProviderCustomer }: NotificationDeps): FindContact {
  const shopEmail = mail?.shopEmail;
  return contactLookup({ ofOrder, ofProviderCustomer, ...(shopEmail !== undefined && { shopEmail }) });
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
