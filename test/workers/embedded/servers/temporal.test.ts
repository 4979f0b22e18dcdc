import type { Connection } from '@temporalio/client';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DYNAMIC_CONFIG } from '../../../../workers/embedded/servers/temporal-config';
import {
  findTemporalSource,
  parseCliServerVersion,
  supportsTimeSkipping,
} from '../../../../workers/embedded/servers/temporal-source';
import { cliArguments, startTemporal } from '../../../../workers/embedded/servers/temporal';
import { SEARCH_ATTRIBUTES } from '../../../../workers/setup/search-attributes';
import { prepareNamespace, searchAttributesStep } from '../../../../workers/setup/namespace';
import { closeConnections, getClient, getConnection, testEnvironment, uniqueName } from '../../../support/environment';

jest.setTimeout(60_000);
const silent = (): void => undefined;
let folder: string;
const { PATH, HOLDFAST_CACHE_DIR } = process.env;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  if (HOLDFAST_CACHE_DIR === undefined) delete process.env.HOLDFAST_CACHE_DIR;
  else process.env.HOLDFAST_CACHE_DIR = HOLDFAST_CACHE_DIR;
});
afterAll(async () => {
  await closeConnections();
  await rm(folder, { recursive: true, force: true });
});

async function fakeCli(serverVersion: string): Promise<string> {
  const bin = join(folder, uniqueName('bin'));
  await mkdir(bin);
  await writeFile(
    join(bin, 'temporal'),
    `#!/bin/sh\necho "temporal version 1.9.9 (Server ${serverVersion}, UI 2.1.0)"\n`,
  );
  await chmod(join(bin, 'temporal'), 0o755);
  return bin;
}

test.each([
  ['1.31.9', false],
  ['1.32.0', true],
  ['1.32.1-alpha', true],
  ['2.0.0', true],
  ['', false],
])('server %j can skip time: %s', (version, expected) => {
  expect(supportsTimeSkipping(version)).toBe(expected);
});

test('the version of a command line is read', () => {
  expect(parseCliServerVersion('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)')).toBe('1.29.1');
  expect(parseCliServerVersion('temporal version DEV')).toBeUndefined();
});

test('an old command line serves the demo, but is skipped for tests with a message', async () => {
  const bin = await fakeCli('1.29.1');
  process.env.PATH = `${bin}:${PATH}`;
  expect(await findTemporalSource(false, silent)).toEqual({ kind: 'cli', path: join(bin, 'temporal') });
  const said: string[] = [];
  expect(await findTemporalSource(true, (line) => said.push(line))).toMatchObject({ kind: 'built' });
  expect(said.join()).toContain('1.29.1');
});

test('a new command line is used for tests too', async () => {
  const bin = await fakeCli('1.33.0');
  process.env.PATH = `${bin}:${PATH}`;
  expect(await findTemporalSource(true, silent)).toEqual({ kind: 'cli', path: join(bin, 'temporal') });
});

test('the command line gets the same search attributes and dynamic configuration', () => {
  const args = cliArguments({ port: 1, namespace: 'shop', dataDir: '/data' });
  for (const { name, cliType } of SEARCH_ATTRIBUTES) expect(args).toContain(`--search-attribute=${name}=${cliType}`);
  for (const key of Object.keys(DYNAMIC_CONFIG)) expect(args.join(' ')).toContain(`--dynamic-config-value=${key}=`);
  expect(args).toContain('--headless');
});

test('a namespace is prepared twice without harm, and its attributes can be asked for at once', async () => {
  const connection = await getConnection();
  const namespace = uniqueName('namespace');
  await prepareNamespace(connection, namespace);
  await prepareNamespace(connection, namespace);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  expect(Object.keys(customAttributes ?? {})).toEqual(
    expect.arrayContaining(SEARCH_ATTRIBUTES.map(({ name }) => name)),
  );
  const client = await getClient();
  const { count } = await client.workflow.count('OrderState = "placed" AND WaitingUntil < "2030-01-01T00:00:00Z"');
  expect(count).toBeGreaterThanOrEqual(0);
});

test('search attributes count as present when the credentials may not list them', async () => {
  const { workflowService } = await getConnection();
  const denied = Object.assign(new Error('7 PERMISSION_DENIED: not for this key'), { code: 7 });
  const operatorService = {
    listSearchAttributes: () => Promise.reject(denied),
  } as unknown as Connection['operatorService'];
  const step = searchAttributesStep({ workflowService, operatorService }, testEnvironment().temporalNamespace);
  expect(await step.look()).toMatchObject({ state: 'there' });
});

test('a configured server is used as it is; one that lacks the namespace or does not answer is an error', async () => {
  const { temporalAddress: address } = testEnvironment();
  const options = { dataDir: 'memory', ports: 'auto', ui: true, log: silent, configured: { address } } as const;
  const temporal = await startTemporal(options);
  expect(temporal).toMatchObject({ source: 'configured', supportsTimeSkipping: true, address, namespace: 'default' });
  await temporal.stop();
  await expect(startTemporal({ ...options, namespace: 'missing' })).rejects.toThrow(
    /"missing" does not exist.*holdfast setup/,
  );
  const nobody = { address: '127.0.0.1:1', connectTimeout: 200 };
  await expect(startTemporal({ ...options, configured: nobody })).rejects.toThrow('TEMPORAL_ADDRESS');
});

test('a kept server remembers its workflows and serves its web UI', async () => {
  const dataDir = join(folder, 'temporal');
  const { Client, Connection } = await import('@temporalio/client');
  const workflowId = uniqueName('kept');
  for (const start of [1, 2]) {
    const temporal = await startTemporal({ dataDir, ports: 'auto', ui: true, log: silent });
    const connection = await Connection.connect({ address: temporal.address });
    try {
      const client = new Client({ connection });
      if (start === 1) await client.workflow.start('nobody', { workflowId, taskQueue: 'nobody' });
      expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
      expect((await fetch(temporal.uiUrl ?? '', { headers: { connection: 'close' } })).status).toBe(200);
    } finally {
      await connection.close();
      await temporal.stop();
    }
  }
});

test('without any way to a server the error names all of them', async () => {
  process.env.PATH = folder;
  process.env.HOLDFAST_CACHE_DIR = join(folder, 'empty-cache');
  await expect(findTemporalSource(true, silent, async () => false)).rejects.toThrow(
    /TEMPORAL_ADDRESS[\s\S]*command line[\s\S]*network[\s\S]*Go/,
  );
});
