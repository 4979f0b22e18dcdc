import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A prepared statement: parsed once a connection, known by the name of its file. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const storage = join(__dirname, '..');

const statements: ReadonlyMap<string, Statement> = new Map(
  readdirSync(storage, { recursive: true, encoding: 'utf8' })
    .filter((file) => basename(dirname(file)) === 'sql')
    .map((file) => {
      const name = basename(file, '.sql');
      return [name, { name, text: readFileSync(join(storage, file), 'utf8') }];
    }),
);

/**
 * The statement in `<folder>/sql/<name>.sql`, read when the process starts.
 * @throws Error at start where there is no such file
 */
export function statement(name: string): Statement {
  const found = statements.get(name);
  if (found === undefined) throw new Error(`there is no statement ${name}.sql in a folder sql`);
  return found;
}
