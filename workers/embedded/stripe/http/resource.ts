import type { Account, Resource, Stored } from '../state/account';
import type { Collection } from '../state/collection';

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

/** Adds a new object, or one from the journal, to its collection and its indexes. */
export function store<T extends Stored>(account: Account, resource: Resource<T>, stored: T): T {
  const collection = account.of(resource);
  collection.put(stored);
  fileIndexes(collection, resource, stored);
  return stored;
}

/** Updates the indexes after a field that they use was set. */
export function fileIndexes<T extends Stored>(collection: Collection<T>, resource: Resource<T>, stored: T): void {
  for (const [index, value] of Object.entries(resource.indexes(stored)))
    if (value !== null && value !== undefined) collection.file(index, value, stored.id);
}
