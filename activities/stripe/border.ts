import { domainToASCII } from 'node:url';

/** What leaves for the provider or comes from it, in a form that both sides take. */

/** An address as the provider takes it, its domain in ASCII; undefined where the local part cannot be written so. */
export function providerEmail(email: string | undefined): string | undefined {
  const at = email?.lastIndexOf('@') ?? -1;
  if (email === undefined || at < 1 || !/^[\x21-\x7e]+$/.test(email.slice(0, at))) return undefined;
  const domain = domainToASCII(email.slice(at + 1));
  return domain === '' ? undefined : `${email.slice(0, at)}@${domain}`;
}

/** Text that every layer takes: no half characters (a cut may leave one), no NUL. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd').replaceAll('\0', '');
}

/** No object of the provider's is deeper than a dozen levels; a bomb of brackets would end in a stack overflow. */
const MAX_DEPTH = 100;

/** As `wellFormed`, for every text in a JSON value, keys included. @throws RangeError for a value of more than 100 levels */
export function wellFormedJson<T>(value: T, depth = 0): T {
  if (depth > MAX_DEPTH) throw new RangeError('the value has too many levels');
  if (typeof value === 'string') return wellFormed(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => wellFormedJson(one, depth + 1)) as T;
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    wellFormed(key),
    wellFormedJson<unknown>(inner, depth + 1),
  ]);
  return Object.fromEntries(entries) as T;
}
