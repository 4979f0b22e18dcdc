import { fstatSync, ftruncateSync, renameSync, writeSync } from 'node:fs';
import { open, rm, truncate, type FileHandle } from 'node:fs/promises';
import { errorCode } from '../../../dependencies/error-code';

/** A change of one object: its kind and its new value. */
export type JournalEntry = readonly [kind: string, value: object];

/** The data that the journal keeps. */
export interface JournalSource {
  /** Applies one entry while the file is read; throws if the entry is invalid. */
  apply(entry: JournalEntry): void;
  /** All current entries. Read in small steps, with changes in between. */
  live(): Iterable<JournalEntry>;
  /** The approximate number of entries of `live`. */
  liveCount(): number;
}

const FORMAT = 'holdfast-stripe-simulator';
const VERSION = 1;
const HEADER = `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`;
const NEW_LINE = 0x0a;
const READ_BYTES = 1 << 20;
/** A rewrite yields to other work after this many characters of JSON, some 2 ms. */
const SLICE_CHARACTERS = 1 << 18;
/** Files with fewer outdated entries than this are not worth a rewrite. */
const MIN_OUTDATED = 5_000;

/**
 * A file of changes, one line of JSON for each set of changes that belong together; a later entry of the same object
 * replaces an earlier one. Once most entries are outdated, a new file is written and replaces the old one.
 *
 * Lines are written to the operating system at once but not forced to the disk: they survive any end of this process, even
 * kill -9, but a power cut may lose the last seconds.
 */
export class Journal {
  private rewriting: Promise<void> | undefined;
  /** Lines that were appended since the rewrite began, to be added to the new file. */
  private sinceRewrite: string[] | undefined;
  private closed = false;

  private constructor(
    private readonly path: string,
    private readonly source: JournalSource,
    private file: FileHandle,
    private bytes: number,
    private entries: number,
    private rewriteAt: number,
  ) {}

  /**
   * Opens the file and applies all its entries to `source`; creates a missing file.
   * @throws Error that names the file if it is damaged or of another version. An incomplete last line is not damage: the
   *   process ended while writing it, before it answered the request.
   */
  static async open(path: string, source: JournalSource): Promise<Journal> {
    const { bytes, entries } = await read(path, source);
    if (bytes !== undefined) await truncate(path, bytes);
    const file = await open(path, 'a', 0o600);
    if (bytes === undefined) writeSync(file.fd, HEADER);
    return new Journal(path, source, file, bytes ?? HEADER.length, entries, 2 * source.liveCount() + MIN_OUTDATED);
  }

  /** Writes changes that belong together: after a crash, the file has all of them or none. */
  append(entries: readonly JournalEntry[]): void {
    if (this.closed) return;
    const line = `${JSON.stringify(entries)}\n`;
    this.write(this.file.fd, line);
    this.sinceRewrite?.push(line);
    this.entries += entries.length;
    if (this.entries > this.rewriteAt) this.rewriting ??= this.rewrite().finally(() => (this.rewriting = undefined));
  }

  /** Resolves once no rewrite is in progress. */
  async rewritten(): Promise<void> {
    await this.rewriting;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.rewriting;
    await this.file.sync();
    await this.file.close();
  }

  private write(fd: number, line: string): void {
    const buffer = Buffer.from(line);
    try {
      for (let done = 0; done < buffer.length;) done += writeSync(fd, buffer, done);
      this.bytes += buffer.length;
    } catch (error) {
      // The disk is full: a part of the line may have been written, and the next line must not follow it.
      ftruncateSync(fd, this.bytes);
      throw error;
    }
  }

  private async rewrite(): Promise<void> {
    const temporary = `${this.path}.tmp`;
    const since: string[] = [];
    this.sinceRewrite = since;
    let file: FileHandle | undefined;
    try {
      await rm(temporary, { force: true });
      file = await open(temporary, 'ax', 0o600);
      let entries = 0;
      await file.appendFile(HEADER);
      for (const slice of slices(this.source.live())) {
        await file.appendFile(slice.line);
        entries += slice.entries;
        if (this.closed) break;
      }
      await file.sync();
      if (!this.closed) {
        // From here on the code is synchronous, so no change is missed.
        for (const line of since) writeSync(file.fd, line);
        renameSync(temporary, this.path);
        [this.file, file] = [file, this.file];
        this.bytes = fstatSync(this.file.fd).size;
        this.entries = entries + since.length;
      }
    } catch {
      // No space for a second file: the old one is intact and continues to grow; the next try follows when it has doubled.
    } finally {
      this.sinceRewrite = undefined;
      this.rewriteAt = 2 * Math.max(this.source.liveCount(), this.entries) + MIN_OUTDATED;
      await file?.close();
      await rm(temporary, { force: true });
    }
  }
}

function* slices(entries: Iterable<JournalEntry>): Generator<{ line: string; entries: number }> {
  let parts: string[] = [];
  let size = 0;
  for (const entry of entries) {
    const part = JSON.stringify(entry);
    parts.push(part);
    size += part.length;
    if (size < SLICE_CHARACTERS) continue;
    yield { line: `[${parts.join(',')}]\n`, entries: parts.length };
    parts = [];
    size = 0;
  }
  if (parts.length > 0) yield { line: `[${parts.join(',')}]\n`, entries: parts.length };
}

/** Reads the file; returns the number of bytes in complete lines, or undefined if there is nothing yet. */
async function read(path: string, source: JournalSource): Promise<{ bytes: number | undefined; entries: number }> {
  let bytes = 0;
  let entries = 0;
  let lines = 0;
  let rest: Buffer = Buffer.alloc(0);
  const file = await openExisting(path);
  if (file === undefined) return { bytes: undefined, entries };
  for await (const chunk of file.createReadStream({ highWaterMark: READ_BYTES })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(NEW_LINE); end >= 0; end = rest.indexOf(NEW_LINE)) {
      lines += 1;
      const text = rest.toString('utf8', 0, end);
      if (lines === 1) assertHeader(path, text);
      else entries += applyLine(path, lines, text, source);
      rest = rest.subarray(end + 1);
      bytes += end + 1;
    }
  }
  if (lines > 0) return { bytes, entries };
  // A part of the header: the process ended during its first write. Anything else is not a journal.
  if (!HEADER.startsWith(rest.toString('utf8'))) throw damaged(path, 1);
  await rm(path);
  return { bytes: undefined, entries };
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function assertHeader(path: string, text: string): void {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 1, error);
  }
  const { format, version } = (header ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT) throw damaged(path, 1);
  if (version === VERSION) return;
  throw new Error(
    `${path} is of version ${String(version)} and this Stripe simulator reads version ${VERSION}: start with --fresh, which deletes the kept data.`,
  );
}

function applyLine(path: string, number: number, text: string, source: JournalSource): number {
  try {
    const entries = JSON.parse(text) as JournalEntry[];
    for (const entry of entries) source.apply(entry);
    return entries.length;
  } catch (error) {
    throw damaged(path, number, error);
  }
}

function damaged(path: string, line: number, cause?: unknown): Error {
  return new Error(
    `${path} is damaged in line ${line}: restore it, or start with --fresh, which deletes the kept data.`,
    cause === undefined ? {} : { cause },
  );
}
