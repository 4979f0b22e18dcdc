import { Connection, type ConnectionOptions } from '@temporalio/client';
import { temporalUnreachable } from './fault';

/** Longer than a TLS handshake across an ocean; a person waits for it. */
const CONNECT_LIMIT_MS = 10_000;
const DEFAULT_ADDRESS = '127.0.0.1:7233';

/** Works on a connection to Temporal and closes it. @throws FaultError where the server does not answer */
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
    // A connection that could not be made still retries in the background, and keeps the process from ending.
    await connection.close();
  }
}
