import type { Account } from '../../state/account';
import type { RequestCause } from '../../state/model';

/**
 * Changes an object and writes the event of the change, with the former values of the changed fields as
 * `data.previous_attributes`. Writes no event if nothing changed.
 */
export function emitChange(
  account: Account,
  type: string,
  object: { id: string },
  cause: RequestCause,
  change: () => void,
): void {
  const before = snapshotOf(object);
  change();
  const previous = changedFields(before, object);
  if (Object.keys(previous).length > 0) account.log.emit(type, object, cause, previous);
}

/** The fields as text, for `changedFields` later. */
export function snapshotOf(object: object): ReadonlyMap<string, string | undefined> {
  return new Map(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value) as string | undefined]));
}

/** The former values of the fields that have changed. */
export function changedFields(
  before: ReadonlyMap<string, string | undefined>,
  object: object,
): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  const after = snapshotOf(object);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const text = before.get(name);
    if (text !== after.get(name)) changed[name] = text === undefined ? null : (JSON.parse(text) as unknown);
  }
  return changed;
}
