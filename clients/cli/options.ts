import { Command, Help, InvalidArgumentError, Option } from 'commander';
import type { GatewayClient } from './gateway-client';

/** What every command needs. */
export interface CommandDeps {
  readonly gateway: () => GatewayClient;
  /** Prints an answer: with `--json` as JSON, otherwise as the table that `table` makes of it. */
  readonly show: (answer: unknown, table: (answer: unknown) => string | Promise<string>) => Promise<void>;
}

/** Commander reports only the first missing option, and its help marks none as required. Subcommands are of this class, too. */
export class CliCommand extends Command {
  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  override createHelp(): Help {
    return Object.assign(new CliHelp(), this.configureHelp());
  }

  /** Overrides what Commander 14 calls for the first missing option; its types do not declare it. */
  protected missingMandatoryOptionValue(): never {
    const missing = [
      ...this.registeredArguments
        .filter((argument, index) => argument.required && this.args[index] === undefined)
        .map((argument) => `<${argument.name()}>`),
      ...this.options
        .filter((option) => option.mandatory && this.getOptionValue(option.attributeName()) === undefined)
        .map((option) => option.flags),
    ];
    return this.error(`error: missing: ${missing.join(', ')}`, { code: 'commander.missingMandatoryOptionValue' });
  }
}

class CliHelp extends Help {
  override optionDescription(option: Option): string {
    return `${super.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`;
  }
}

/** For commands that change something. */
export function idempotencyKeyOption(): Option {
  return new Option('--idempotency-key <key>', 'a repeated command with the same key gets the first answer');
}

export function limitOption(): Option {
  return new Option('--limit <count>', 'at most this many').argParser((value) => {
    if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
    return Number(value);
  });
}

export interface LineOption {
  readonly sku: string;
  readonly quantity: number;
}

/** Parses `SKU=QUANTITY` and appends it to the lines before it. The SKU itself may contain `=`. */
export function collectLine(value: string, before: readonly LineOption[] = []): readonly LineOption[] {
  const [, sku, quantity] = /^(.+)=(\d{1,6})$/s.exec(value) ?? [];
  if (sku === undefined || quantity === undefined) {
    throw new InvalidArgumentError('It must be SKU=QUANTITY, e.g. MUG-1=2.');
  }
  return [...before, { sku, quantity: Number(quantity) }];
}

/** `path` with the options that were given as its query. */
export function withQuery(path: string, options: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value !== undefined) search.set(name, String(value));
  }
  return `${path}?${search.toString()}`;
}
