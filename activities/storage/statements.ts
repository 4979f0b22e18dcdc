import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A prepared statement: parsed once a connection, known by the name of its file. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const directory = join(__dirname, 'sql');

const statements: ReadonlyMap<string, Statement> = new Map(
  readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => {
      const name = basename(file, '.sql');
      return [name, { name, text: readFileSync(join(directory, file), 'utf8') }];
    }),
);

/**
 * The statement in `sql/<name>.sql`, read when the process starts.
 * @throws Error at start where there is no such file
 */
export function statement(name: string): Statement {
  const found = statements.get(name);
  if (found === undefined) throw new Error(`there is no statement sql/${name}.sql`);
  return found;
}
