import type { NoticeChannel } from './channel';

/** As much of pino as is needed here. */
export interface NoticeLog {
  info(details: Readonly<Record<string, unknown>>, message: string): void;
}

/** Tells that there is something to tell, and of what; to whom and what is left out, for logs are read by many. */
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
