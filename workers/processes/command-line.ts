import { parseArgs } from 'node:util';
import { ConfigurationError } from '../config/configuration-error';

/** The flags of `npm start` and `npm run demo`. */
export interface CommandLine {
  /** `fixed`: the documented ports; `auto`: free ones. */
  ports: 'fixed' | 'auto';
  /** Begin with an empty data folder. */
  fresh: boolean;
  /** Print one line of JSON for scripts once everything is ready. */
  json: boolean;
  /** The demo ends after its scenes instead of staying up. */
  exit: boolean;
  /** Gateway port; overrides PORT. */
  port?: number;
}

const USAGE = 'flags: --ports fixed|auto, --port N, --fresh, --json, --exit';

const HELP = `Flags of npm start and npm run demo (after --):
  --ports fixed|auto  the documented ports, or free ones
  --port N            the gateway's port
  --fresh             begin with an empty data folder
  --json              one line of JSON on standard output once all is ready
  --exit              the demo ends after its scenes
  --help              this text
Everything else is set by environment variables: see docs/configuration.md.`;

/** The help text where `--help` or `-h` is given. */
export function helpAsked(argv: readonly string[]): string | undefined {
  return argv.includes('--help') || argv.includes('-h') ? HELP : undefined;
}
const MAX_PORT = 65_535;

/** @param argv arguments after the script's name @throws ConfigurationError naming each flag that is wrong */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const values = parse(argv);
  const problems: string[] = [];
  const { ports = 'fixed', port } = values;
  if (ports !== 'fixed' && ports !== 'auto') problems.push('--ports must be fixed or auto');
  const portNumber = port === undefined ? undefined : Number(port);
  if (portNumber !== undefined && !(Number.isInteger(portNumber) && portNumber >= 1 && portNumber <= MAX_PORT)) {
    problems.push(`--port must be a number from 1 to ${MAX_PORT}`);
  }
  if (problems.length > 0) throw new ConfigurationError([...problems, USAGE]);
  return {
    ports: ports === 'auto' ? 'auto' : 'fixed',
    fresh: values.fresh ?? false,
    json: values.json ?? false,
    exit: values.exit ?? false,
    ...(portNumber === undefined ? {} : { port: portNumber }),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        ports: { type: 'string' },
        port: { type: 'string' },
        fresh: { type: 'boolean' },
        json: { type: 'boolean' },
        exit: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new ConfigurationError([error instanceof Error ? error.message : String(error), USAGE]);
  }
}
