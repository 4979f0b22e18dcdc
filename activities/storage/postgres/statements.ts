import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A prepared statement: parsed once per connection, named like its file. */
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
 * @throws Error at start if there is no such file
 */
export function statement(name: string): Statement {
  const found = statements.get(name);
  if (found === undefined) throw new Error(`no folder named sql contains the statement ${name}.sql`);
  return found;
}
