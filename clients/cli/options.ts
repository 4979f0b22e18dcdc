import { Option } from 'commander';

/** For commands that change something. */
export function idempotencyKeyOption(): Option {
  return new Option('--idempotency-key <key>', 'the same key again gets the first answer');
}
