import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a server that can be shut: what is connected is cut off, and nobody gets through until it is opened again. */
export interface TcpGate {
  readonly address: string;
  /** Connections that were refused while it was shut. */
  readonly refused: () => number;
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

export async function openTcpGate(target: string): Promise<TcpGate> {
  const [host = '127.0.0.1', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let isShut = false;
  let refused = 0;
  const server = createServer((incoming) => {
    if (isShut) {
      refused += 1;
      incoming.destroy();
      return;
    }
    const outgoing = connect(Number(port), host);
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cutOff = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    shut() {
      isShut = true;
      cutOff();
    },
    open() {
      isShut = false;
    },
    async close() {
      cutOff();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
