import { createServer, type Server } from 'node:net';
import { errorCode } from '../../dependencies/error-code';
import { StartRefused } from '../../processes/start-refused';

export type PortMode = 'fixed' | 'auto';

/**
 * The ports of `npm start`. Temporal and its UI use the ports that every Temporal tool assumes. Postgres and Redis avoid 5432
 * and 6379, where a developer's own servers usually listen. 12111 is the port of stripe-mock, 1025 and 8025 those of mail
 * catchers.
 */
export const FIXED_PORTS = {
  gateway: 8080,
  temporal: 7233,
  temporalUi: 8233,
  postgres: 54329,
  redis: 63799,
  stripe: 12111,
  smtp: 1025,
  mail: 8025,
} as const;

const LOOPBACK = '127.0.0.1';

/** A port of an embedded part is already in use. The message names the port and says what to do. */
export class PortInUseError extends StartRefused {
  override readonly name = 'PortInUseError';
  constructor(
    readonly part: string,
    readonly port: number,
  ) {
    super(
      `Port ${port} (${part}) is already in use: stop what listens there, or start with --ports auto to use free ports.`,
    );
  }
}

/** @throws PortInUseError when something listens on the port on the loopback address */
export async function assertPortFree(part: string, port: number): Promise<void> {
  try {
    await close(await listen(port));
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') throw new PortInUseError(part, port);
    throw error;
  }
}

/** Free ports on the loopback address, all different: all are opened before the first is closed. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given by the system');
    return address.port;
  });
  await Promise.all(servers.map(close));
  return ports;
}

export async function findFreePort(): Promise<number> {
  const [port] = await findFreePorts(1);
  if (port === undefined) throw new Error('no port was given by the system');
  return port;
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
