import { Option } from 'commander';
import type { GatewayClient } from './gateway-client';

/** What every command needs. */
export interface CommandDeps {
  readonly gateway: () => GatewayClient;
  /** Prints an answer: as JSON where that was asked for, else as a table. */
  readonly show: (answer: unknown, table: (answer: unknown) => string) => void;
}

/** For commands that change something. */
export function idempotencyKeyOption(): Option {
  return new Option('--idempotency-key <key>', 'the same key again gets the first answer');
}
