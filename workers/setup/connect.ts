import { Connection, type ConnectionOptions } from '@temporalio/client';
import { temporalUnreachable } from './fault';

/** Longer than an intercontinental TLS handshake, short enough for a person who waits. */
const CONNECT_LIMIT_MS = 10_000;
const DEFAULT_ADDRESS = '127.0.0.1:7233';

/** Opens a connection to Temporal, passes it on, and closes it. @throws FaultError where the server does not answer */
export async function withTemporal<T>(
  options: ConnectionOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = Connection.lazy({ connectTimeout: CONNECT_LIMIT_MS, ...options });
  try {
    await connection.ensureConnected().catch((error: unknown) => {
      throw temporalUnreachable(options.address ?? DEFAULT_ADDRESS, error);
    });
    return await work(connection);
  } finally {
    // A connection that failed still retries in the background, which would keep the process from exiting.
    await connection.close();
  }
}
