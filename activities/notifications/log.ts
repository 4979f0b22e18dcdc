import type { NoticeChannel } from './channel';

/** The part of a pino logger that is used here. */
export interface NoticeLog {
  info(details: Readonly<Record<string, unknown>>, message: string): void;
}

/** Logs that a notice is due and what it is about. Recipient and content are left out, because many people can read logs. */
export function logChannel(log: NoticeLog): NoticeChannel {
  return {
    name: 'log',
    idempotent: true,
    reaches: () => true,
    async prepare({ noticeKey, kind, subject }) {
      return {
        async deliver() {
          const { type, id, orderId } = subject;
          log.info({ noticeKey, kind, subject: `${type} ${id}`, ...(orderId !== undefined && { orderId }) }, 'notice');
          return { outcome: 'delivered' };
        },
      };
    },
    close() {},
  };
}
