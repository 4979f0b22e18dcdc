import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertPortFree, findFreePorts, FIXED_PORTS, type PortMode } from './ports';
import type { TemporalServerPorts } from './temporal-config';

const KEPT_PORTS = 'temporal-ports.json';

/**
 * Ports for the services of one raw server. Only the frontend's port is used from outside, so only that one is fixed.
 *
 * For some tens of seconds after a restart, a server sends work to the addresses of its services that it finds in its data.
 * With the same ports these addresses are right; with others, workflows would make no progress during that time.
 *
 * @throws PortInUseError when the fixed port is taken
 */
export async function temporalServerPorts(mode: PortMode, dataDir: string): Promise<TemporalServerPorts> {
  if (mode === 'fixed') await assertPortFree('Temporal', FIXED_PORTS.temporal);
  if (dataDir === 'memory') return newPorts(mode);
  const path = join(dataDir, KEPT_PORTS);
  const kept = await readKept(path);
  if (kept !== undefined) {
    const ports = mode === 'fixed' ? { ...kept, frontend: FIXED_PORTS.temporal } : kept;
    if (await areFree(ports)) return ports;
  }
  const ports = await newPorts(mode);
  await writeFile(path, JSON.stringify(ports));
  return ports;
}

async function newPorts(mode: PortMode): Promise<TemporalServerPorts> {
  const free = await findFreePorts(NAMES.length);
  const ports = Object.fromEntries(
    NAMES.map((name, index) => [name, free[index] ?? 0]),
  ) as unknown as TemporalServerPorts;
  return mode === 'fixed' ? { ...ports, frontend: FIXED_PORTS.temporal } : ports;
}

const NAMES: readonly (keyof TemporalServerPorts)[] = [
  'frontend',
  'frontendMembership',
  'frontendHttp',
  'matching',
  'matchingMembership',
  'history',
  'historyMembership',
  'worker',
  'workerMembership',
];

/** The ports of the last start; undefined if there was none or the file is invalid. */
async function readKept(path: string): Promise<TemporalServerPorts | undefined> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8')) as Partial<TemporalServerPorts>;
    return NAMES.every((name) => Number.isInteger(kept[name])) ? (kept as TemporalServerPorts) : undefined;
  } catch {
    return undefined;
  }
}

async function areFree(ports: TemporalServerPorts): Promise<boolean> {
  try {
    await Promise.all(NAMES.map((name) => assertPortFree('Temporal', ports[name])));
    return true;
  } catch {
    return false;
  }
}
