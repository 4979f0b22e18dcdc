import type { Account } from '../state/account';
import type { Collection } from '../bank/collection';

/** Anything that the account keeps under an id. */
export interface Stored {
  readonly id: string;
}

/** What a field of an object expands to, as Stripe's reference marks it "Expandable". */
export type Expansion =
  /** The `object` name of what the id in this field names; `never`: the API has the reference, the simulator never fills it. */
  | string
  /** An id that may be of several kinds. */
  | { readonly anyOf: readonly string[] }
  /** An object or a list inside the object, whose own fields expand. */
  | { readonly fields: Expandable }
  /** A list (or, of no kind that there is, an object) that is left out unless it is asked for. */
  | { readonly listOf: string; readonly make: (account: Account, ownerId: string) => object | null };
export type Expandable = Readonly<Record<string, Expansion>>;

/**
 * One kind of object, declared once: the account gives it a collection (`account.of(resource)`), the journal keeps it,
 * `expand` follows its references, the state shows it. All kinds are listed in resources.ts.
 */
export interface Resource<T extends Stored> {
  /** Marks its entries in the journal. State files of earlier versions have it, so it never changes. */
  readonly kind: string;
  /** Stripe's name for it, the value of the field `object`. */
  readonly object: string;
  /** The segment of its paths: `payment_intents`. The state is read under the same name. */
  readonly path: string;
  /** Its field in the snapshot of the account. */
  readonly snapshot: string;
  readonly expandable: Expandable;
  /** What the API answers of it: the stored value itself unless the simulator knows more than it tells. */
  render(stored: T, account: Account): object;
  /** The value of each index that it is filed under; null and undefined are not filed. */
  indexes(stored: T): Readonly<Record<string, string | null | undefined>>;
  /** What the journal keeps of it, without timers. */
  save(stored: T): object;
  /** Sets its timers again after a restart, before those that fell due meanwhile fire. */
  rearm(account: Account, stored: T): void;
}

/** A resource with the usual answers: rendered and saved as it is, no index, no timer. */
export function defineResource<T extends Stored>(
  resource: Pick<Resource<T>, 'kind' | 'object' | 'path' | 'snapshot'> & Partial<Resource<T>>,
): Resource<T> {
  return {
    expandable: {},
    render: (stored) => stored,
    indexes: () => ({}),
    save: (stored) => stored,
    rearm: () => undefined,
    ...resource,
  };
}

/** Adds a new object to its collection, or takes over one from the journal, filed under its indexes. */
export function store<T extends Stored>(account: Account, resource: Resource<T>, stored: T): T {
  const collection = account.of(resource);
  collection.put(stored);
  fileIndexes(collection, resource, stored);
  return stored;
}

/** Files an object anew after a field that an index is made of was set. */
export function fileIndexes<T extends Stored>(collection: Collection<T>, resource: Resource<T>, stored: T): void {
  for (const [index, value] of Object.entries(resource.indexes(stored)))
    if (value !== null && value !== undefined) collection.file(index, value, stored.id);
}
