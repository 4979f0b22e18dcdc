// At most 15 sources a folder: the 16th asks for a subfolder, so that a folder can be read at one look.
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

const MAX = 15;
const counts = new Map();
for (const root of ['activities', 'clients', 'test', 'workers', 'workflows'])
  for (const file of readdirSync(root, { recursive: true }))
    if (file.endsWith('.ts')) {
      const folder = dirname(`${root}/${file}`);
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
const full = [...counts].filter(([, count]) => count > MAX);
for (const [folder, count] of full) console.error(`${folder} has ${count} sources, at most ${MAX}: make a subfolder.`);
if (full.length > 0) process.exitCode = 1;
