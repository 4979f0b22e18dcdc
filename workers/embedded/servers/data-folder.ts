import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removePostgresData } from './postgres';
import type { Log } from './process';
import { isAlive } from '../provision';
import { StartRefused } from '../../processes/start-refused';

/** Secrets that the embedded stack generates if none are configured, and keeps, so that its data stays readable. */
export interface KeptSecrets {
  apiKey: string;
  /** Base64 of 32 bytes. */
  encryptionKey: string;
}

/** The opened data folder of one embedded stack. */
export interface DataFolder {
  path: string;
  secrets: KeptSecrets;
  /** Lets another start use the folder. */
  release(): Promise<void>;
}

const LOCK_FILE = 'lock';
const SECRETS_FILE = 'secrets.json';
const secretsSchema = z.object({ apiKey: z.string().min(1), encryptionKey: z.string().min(1) });

/**
 * Opens the folder for this process alone.
 * @param fresh removes what an earlier start left there
 * @throws Error when another process uses the folder
 */
export async function openDataFolder(path: string, fresh: boolean, log: Log): Promise<DataFolder> {
  await mkdir(path, { recursive: true });
  await lock(path);
  try {
    if (fresh) await empty(path, log);
    return { path, secrets: await keptSecrets(path), release: () => rm(join(path, LOCK_FILE), { force: true }) };
  } catch (error) {
    await rm(join(path, LOCK_FILE), { force: true });
    throw error;
  }
}

async function lock(path: string): Promise<void> {
  const lockPath = join(path, LOCK_FILE);
  const owner = Number(await readFile(lockPath, 'utf8').catch(() => ''));
  if (Number.isInteger(owner) && owner > 0) {
    if (isAlive(owner)) {
      throw new StartRefused(
        `The data folder ${path} is in use by process ${owner}: stop that Holdfast first, start this one from another folder, or remove ${lockPath} if that process is not Holdfast.`,
      );
    }
    await rm(lockPath, { force: true });
  }
  const file = await open(lockPath, 'wx');
  await file.writeFile(String(process.pid));
  await file.close();
}

async function empty(path: string, log: Log): Promise<void> {
  await removePostgresData(join(path, 'postgres'), log);
  const names = (await readdir(path)).filter((name) => name !== LOCK_FILE);
  await Promise.all(names.map((name) => rm(join(path, name), { recursive: true, force: true })));
}

async function keptSecrets(path: string): Promise<KeptSecrets> {
  const secretsPath = join(path, SECRETS_FILE);
  const text = await readFile(secretsPath, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    try {
      return secretsSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new StartRefused(
        `${secretsPath} is damaged: restore it, or start with --fresh, which deletes the kept data.`,
        {
          cause: error,
        },
      );
    }
  }
  const secrets = {
    apiKey: `hf_${randomBytes(24).toString('hex')}`,
    encryptionKey: randomBytes(32).toString('base64'),
  };
  await writeFile(secretsPath, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
