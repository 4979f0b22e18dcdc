import { createServer } from 'node:http';
import { once } from 'node:events';
import { asListenProblem } from './start-refused';

export interface Probes {
  /** Sets the check behind `/readyz`, which fails until then. */
  watch(check: () => Promise<unknown>): void;
  close(): void;
}

/**
 * Serves `/healthz` (the process runs) and `/readyz` (it can work). Resolves once the server listens.
 * @throws StartRefused where the port is not available
 */
export async function startProbes({ host, port }: { readonly host: string; readonly port: number }): Promise<Probes> {
  let check: () => Promise<unknown> = () => Promise.reject(new Error('the worker is starting'));
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/healthz') return answer(200, { status: 'ok' });
    if (request.url !== '/readyz') return answer(404, { status: 'not found' });
    check().then(
      () => answer(200, { status: 'ready' }),
      () => answer(503, { status: 'not ready' }),
    );
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw asListenProblem(error, "the worker's probes", host, port, 'HOLDFAST_WORKER_HOST and HOLDFAST_WORKER_PORT');
  }
  return {
    watch(ready) {
      check = ready;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
