import { Client } from 'pg';
import type { Logger } from 'pino';

export interface Listener {
  stop(): Promise<void>;
}

/** Pause before a lost connection is opened again. Polling continues meanwhile, so nothing is delayed for long. */
const RECONNECT_MS = 1_000;

/** Calls a handler on NOTIFY. A hint that saves the delay of a poll: the loops find everything without it, only later. */
export function listen(databaseUrl: string, handlers: Readonly<Record<string, () => void>>, log: Logger): Listener {
  let stopped = false;
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const mine = new Client({ connectionString: databaseUrl, application_name: 'holdfast-listener', keepAlive: true });
    client = mine;
    mine.on('notification', ({ channel }) => handlers[channel]?.());
    mine.on('error', () => retry(mine));
    mine.on('end', () => retry(mine));
    try {
      await mine.connect();
      for (const channel of Object.keys(handlers)) await mine.query(`LISTEN ${channel}`);
      Object.values(handlers).forEach((handler) => handler());
    } catch (error) {
      log.debug({ err: error }, 'cannot listen for notifications yet');
      retry(mine);
    }
  };
  const retry = (failed: Client): void => {
    if (stopped || failed !== client) return;
    client = undefined;
    failed.end().catch(() => undefined);
    timer = setTimeout(() => void connect(), RECONNECT_MS);
  };
  const first = connect();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await first;
      await client?.end().catch(() => undefined);
    },
  };
}
