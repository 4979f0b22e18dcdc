import type { Account, Expandable, Expansion } from '../state/account';
import { invalidParameter } from './errors';
import type { Route } from './request';
import { resourceAt, resourceOf } from './resources';

/** Stripe's own limit on the depth of `expand`. https://docs.stripe.com/api/expanding_objects */
const MAX_DEPTH = 4;

/** Refuses a path that cannot be expanded before the request has any effect. */
export function assertExpandable(route: Route, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const segments = route.path.split('/').filter((segment) => segment !== 'search');
  const kind = segments.reduce<string | undefined>((found, segment) => resourceAt(segment)?.object ?? found, undefined);
  const isList = route.method === 'GET' && resourceAt(segments.at(-1) ?? '') !== undefined;
  for (const path of paths) {
    const fields = path.split('.');
    if (fields.length > MAX_DEPTH) throw notExpandable(path);
    if (isList && fields.shift() !== 'data') throw notExpandable(path);
    let owner: Expandable | undefined = fieldsOf(kind);
    for (const field of fields) {
      const expansion = owner === undefined ? undefined : own(owner, field);
      if (expansion === undefined) throw notExpandable(path);
      owner = fieldsWithin(expansion);
    }
  }
}

/** Copies an answer with the references named by `paths` (`latest_charge`, `data.customer`) replaced by their objects. */
export function expandReferences(account: Account, value: object, paths: readonly string[]): object {
  return paths.length === 0 ? value : expandFields(account, value, undefined, paths);
}

/** `within`: the fields that expand in a nested object; without it, those of the object's own kind. */
function expandFields(
  account: Account,
  value: object,
  within: Expandable | undefined,
  paths: readonly string[],
): object {
  const byHead = new Map<string, string[]>();
  for (const path of paths) {
    const [head = '', ...rest] = path.split('.');
    byHead.set(head, [...(byHead.get(head) ?? []), ...(rest.length > 0 ? [rest.join('.')] : [])]);
  }
  const copy: Record<string, unknown> = { ...value };
  for (const [head, rest] of byHead) copy[head] = expandField(account, copy, within, head, rest);
  return copy;
}

function expandField(
  account: Account,
  owner: Record<string, unknown>,
  within: Expandable | undefined,
  field: string,
  rest: readonly string[],
): unknown {
  const value = owner[field];
  const expansion = own(within ?? fieldsOf(String(owner['object'])) ?? {}, field);
  if (typeof expansion === 'object' && 'listOf' in expansion) {
    const made = expansion.make(account, String(owner['id']));
    return made === null ? null : expandFields(account, made, undefined, rest);
  }
  if (typeof expansion === 'object' && 'fields' in expansion)
    return expandInside(account, value, expansion.fields, rest);
  if (field === 'data' && Array.isArray(value)) return expandInside(account, value, undefined, rest);
  if (typeof value !== 'string' || expansion === undefined) return value;
  for (const kind of typeof expansion === 'string' ? [expansion] : expansion.anyOf) {
    const resource = resourceOf(kind);
    const found = resource === undefined ? undefined : account.of(resource).get(value);
    if (resource !== undefined && found !== undefined)
      return expandFields(account, resource.render(found, account), undefined, rest);
  }
  return value;
}

function expandInside(
  account: Account,
  value: unknown,
  within: Expandable | undefined,
  paths: readonly string[],
): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => expandInside(account, item, within, paths));
  return typeof value === 'object' && value !== null ? expandFields(account, value, within, paths) : value;
}

function fieldsOf(kind: string | undefined): Expandable | undefined {
  // Events are not stored with the other objects, and have no fields that expand.
  return kind === undefined ? undefined : resourceOf(kind)?.expandable;
}

function fieldsWithin(expansion: Expansion): Expandable | undefined {
  if (typeof expansion === 'string') return fieldsOf(expansion);
  if ('anyOf' in expansion) return Object.assign({}, ...expansion.anyOf.map(fieldsOf)) as Expandable;
  return 'fields' in expansion ? expansion.fields : { data: { fields: fieldsOf(expansion.listOf) ?? {} } };
}

function own(fields: Expandable, name: string): Expansion | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function notExpandable(path: string): Error {
  return invalidParameter(`This property cannot be expanded (${path}).`, 'expand');
}
