interface Entry<T> {
  readonly sequence: number;
  value: T;
}

/** The part of a list that is requested; an `undefined` limit means no limit. */
export interface PageQuery<T> {
  readonly limit: number;
  readonly startingAfter?: string | undefined;
  readonly endingBefore?: string | undefined;
  /** Only the entries with this value of the index. */
  readonly indexValue?: string | undefined;
  readonly index?: string | undefined;
  readonly where?: ((value: T) => boolean) | undefined;
}

export interface Page<T> {
  readonly data: T[];
  readonly hasMore: boolean;
}

/** Objects in order of creation, found by id, listed newest first, with a few indexes so that lists stay cheap. */
export class Collection<T extends { readonly id: string }> {
  /** Called with every object that is added or looked up by id, since the caller may change it. */
  onTouch: ((value: T, isNew: boolean) => void) | undefined;
  private readonly byId = new Map<string, Entry<T>>();
  private entries: Entry<T>[] = [];
  private sequence = 0;
  private readonly indexed = new Map<string, Map<string, Entry<T>[]>>();

  /** `cap`: the most objects; above it the oldest tenth is dropped. Unlimited by default. */
  constructor(private readonly cap = Infinity) {}

  get size(): number {
    return this.byId.size;
  }

  add(value: T): void {
    const entry = { sequence: (this.sequence += 1), value };
    this.byId.set(value.id, entry);
    this.entries.push(entry);
    if (this.entries.length > this.cap) this.evict();
    this.onTouch?.(value, true);
  }

  /** Adds an object, or replaces the one with its id. */
  put(value: T): void {
    const entry = this.byId.get(value.id);
    if (entry === undefined) this.add(value);
    else entry.value = value;
  }

  get(id: string): T | undefined {
    const value = this.byId.get(id)?.value;
    if (value !== undefined) this.onTouch?.(value, false);
    return value;
  }

  /** All objects, oldest first. */
  values(): T[] {
    return this.entries.map((entry) => entry.value);
  }

  /** Adds an object of the collection to an index; doing so twice changes nothing. */
  file(index: string, indexValue: string, id: string): void {
    const entry = this.byId.get(id);
    if (entry === undefined) return;
    const values = this.indexed.get(index) ?? new Map<string, Entry<T>[]>();
    this.indexed.set(index, values);
    const filed = values.get(indexValue) ?? [];
    values.set(indexValue, filed);
    if (filed.includes(entry)) return;
    filed.push(entry);
    filed.sort((left, right) => left.sequence - right.sequence);
  }

  /** The objects with a value of an index, oldest first. */
  filed(index: string, indexValue: string): T[] {
    return (this.indexed.get(index)?.get(indexValue) ?? []).map((entry) => entry.value);
  }

  /** A page in Stripe's order: newest first, with ids as cursors. Undefined for an unknown cursor. */
  page(query: PageQuery<T>): Page<T> | undefined {
    const source = this.source(query);
    const cursorId = query.startingAfter ?? query.endingBefore;
    const cursor = cursorId === undefined ? undefined : this.byId.get(cursorId);
    if (cursorId !== undefined && cursor === undefined) return undefined;
    const backwards = query.endingBefore !== undefined && query.startingAfter === undefined;
    const found: T[] = [];
    const step = backwards ? 1 : -1;
    let position = startPosition(source, cursor?.sequence, backwards);
    for (; position >= 0 && position < source.length && found.length <= query.limit; position += step) {
      const { value } = source[position] as Entry<T>;
      if (query.where?.(value) ?? true) found.push(value);
    }
    const data = found.slice(0, query.limit);
    return { data: backwards ? data.reverse() : data, hasMore: found.length > query.limit };
  }

  private source(query: PageQuery<T>): Entry<T>[] {
    if (query.index === undefined || query.indexValue === undefined) return this.entries;
    return this.indexed.get(query.index)?.get(query.indexValue) ?? [];
  }

  private evict(): void {
    const dropped = this.entries.splice(0, Math.ceil(this.cap / 10));
    for (const entry of dropped) this.byId.delete(entry.value.id);
  }
}

function startPosition<T>(source: Entry<T>[], cursor: number | undefined, backwards: boolean): number {
  if (cursor === undefined) return backwards ? 0 : source.length - 1;
  let low = 0;
  let high = source.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((source[middle] as Entry<T>).sequence < cursor) low = middle + 1;
    else high = middle;
  }
  const isCursor = source[low]?.sequence === cursor;
  return backwards ? low + (isCursor ? 1 : 0) : low - 1;
}
