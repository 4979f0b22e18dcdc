/** A decoded parameter: Stripe's form encoding knows only strings, lists and maps. */
export type FormValue = string | FormValue[] | FormMap;
export interface FormMap {
  [key: string]: FormValue;
}

/** Deeper nesting than any Stripe parameter has; it bounds the work one request can ask for. */
const MAX_DEPTH = 12;
/** Far more pairs than Stripe's largest request; a longer body is an attack. */
const MAX_PAIRS = 2_000;

/** Thrown for a body that is not a form; the message is for the caller. */
export class FormSyntaxError extends Error {}

/**
 * Decodes `a=1&b[c]=2&d[]=3&e[0][f]=4` into nested maps and lists, as the API's bracket notation means it.
 * Maps have no prototype, so a key such as `__proto__` is only a key.
 */
export function parseForm(encoded: string): FormMap {
  const root = emptyMap();
  if (encoded === '') return root;
  const pairs = encoded.split('&');
  if (pairs.length > MAX_PAIRS) throw new FormSyntaxError(`Too many parameters: ${pairs.length}`);
  for (const pair of pairs) {
    if (pair === '') continue;
    const separator = pair.indexOf('=');
    const name = decode(separator < 0 ? pair : pair.slice(0, separator));
    const value = separator < 0 ? '' : decode(pair.slice(separator + 1));
    insert(root, splitName(name), value);
  }
  return listsFromMaps(root) as FormMap;
}

/** True for a map, false for a string or a list. */
export function isFormMap(value: FormValue | undefined): value is FormMap {
  return typeof value === 'object' && !Array.isArray(value);
}

function emptyMap(): FormMap {
  return Object.create(null) as FormMap;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new FormSyntaxError('Invalid URL encoding in the request');
  }
}

function splitName(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0) return [name];
  const parts = [name.slice(0, open)];
  for (const match of name.slice(open).matchAll(/\[([^\]]*)\]/g)) parts.push(match[1] ?? '');
  if (parts.length > MAX_DEPTH) throw new FormSyntaxError(`Parameter nested too deeply: ${parts[0]}`);
  return parts;
}

function insert(root: FormMap, path: string[], value: string): void {
  let node = root;
  path.forEach((part, depth) => {
    const key = part === '' ? String(Object.keys(node).length) : part;
    if (depth === path.length - 1) {
      node[key] = value;
      return;
    }
    const child = node[key];
    if (!isFormMap(child)) node[key] = emptyMap();
    node = node[key] as FormMap;
  });
}

function listsFromMaps(value: FormValue): FormValue {
  if (!isFormMap(value)) return value;
  const keys = Object.keys(value);
  for (const key of keys) value[key] = listsFromMaps(value[key] as FormValue);
  const isList = keys.length > 0 && keys.every((key, index) => key === String(index));
  return isList ? keys.map((key) => value[key] as FormValue) : value;
}
