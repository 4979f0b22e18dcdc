import type { Account } from './account';
import { invalidParameter } from './errors';
import type { Route } from './request';

/** Stripe's own limit on the depth of `expand`. https://docs.stripe.com/api/expanding_objects */
const MAX_DEPTH = 4;

type Kind = 'customer' | 'charge' | 'payment_intent' | 'payment_method' | 'event';
/** A reference that the API has and the simulator never fills. */
type Reference = Kind | 'never';

const EXPANDABLE: Record<Kind, Record<string, Reference>> = {
  payment_intent: {
    customer: 'customer',
    latest_charge: 'charge',
    payment_method: 'payment_method',
    application: 'never',
    on_behalf_of: 'never',
    review: 'never',
    source: 'never',
  },
  charge: {
    customer: 'customer',
    payment_intent: 'payment_intent',
    application: 'never',
    application_fee: 'never',
    balance_transaction: 'never',
    failure_balance_transaction: 'never',
    on_behalf_of: 'never',
    review: 'never',
    transfer: 'never',
  },
  payment_method: { customer: 'customer' },
  customer: { default_source: 'never' },
  event: {},
};

const COLLECTIONS: Record<string, Kind> = {
  customers: 'customer',
  charges: 'charge',
  payment_intents: 'payment_intent',
  payment_methods: 'payment_method',
  events: 'event',
};

/** Refuses a path that cannot be expanded before the request has any effect. */
export function assertExpandable(route: Route, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const segments = route.path.split('/').filter((segment) => segment !== 'search');
  const kind = segments.reduce<Kind | undefined>((found, segment) => COLLECTIONS[segment] ?? found, undefined);
  const isList = route.method === 'GET' && COLLECTIONS[segments.at(-1) ?? ''] !== undefined;
  for (const path of paths) {
    const fields = path.split('.');
    if (fields.length > MAX_DEPTH) throw notExpandable(path);
    if (isList && fields.shift() !== 'data') throw notExpandable(path);
    let owner = kind as Reference | undefined;
    for (const field of fields) {
      owner = owner === undefined || owner === 'never' ? undefined : EXPANDABLE[owner][field];
      if (owner === undefined) throw notExpandable(path);
    }
  }
}

/** Copies an answer with the references named by `paths` (`latest_charge`, `data.customer`) replaced by their objects. */
export function expandReferences(account: Account, value: object, paths: readonly string[]): object {
  if (paths.length === 0) return value;
  const byHead = new Map<string, string[]>();
  for (const path of paths) {
    const [head = '', ...rest] = path.split('.');
    byHead.set(head, [...(byHead.get(head) ?? []), ...(rest.length > 0 ? [rest.join('.')] : [])]);
  }
  const copy: Record<string, unknown> = { ...value };
  for (const [head, rest] of byHead) copy[head] = expandField(account, copy, head, rest);
  return copy;
}

function expandField(account: Account, owner: Record<string, unknown>, field: string, rest: string[]): unknown {
  const value = owner[field];
  if (field === 'data' && Array.isArray(value))
    return value.map((item: object) => expandReferences(account, item, rest));
  if (typeof value !== 'string') return value;
  const found = lookUp(account, EXPANDABLE[owner['object'] as Kind][field] ?? 'never', value);
  return found === undefined ? value : expandReferences(account, found, rest);
}

function lookUp(account: Account, kind: Reference, id: string): object | undefined {
  switch (kind) {
    case 'customer':
      return account.customers.get(id);
    case 'charge':
      return account.charges.get(id);
    case 'payment_intent':
      return account.paymentIntents.get(id)?.object;
    case 'payment_method':
      return account.paymentMethods.get(id)?.object;
    default:
      return undefined;
  }
}

function notExpandable(path: string): Error {
  return invalidParameter(`This property cannot be expanded (${path}).`, 'expand');
}
