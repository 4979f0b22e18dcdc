import { domainToASCII } from 'node:url';

/** An e-mail address in the form that the provider accepts, with its domain in ASCII; undefined if the local part is not ASCII. */
export function providerEmail(email: string | undefined): string | undefined {
  const at = email?.lastIndexOf('@') ?? -1;
  if (email === undefined || at < 1 || !/^[\x21-\x7e]+$/.test(email.slice(0, at))) return undefined;
  const domain = domainToASCII(email.slice(at + 1));
  return domain === '' ? undefined : `${email.slice(0, at)}@${domain}`;
}

/** Text that JSON, Postgres and the provider all accept: without NUL and without half of a surrogate pair, which cutting a text can leave. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd').replaceAll('\0', '');
}

/** The provider's objects have at most a dozen levels; without a limit, a hostile body could overflow the stack. */
const MAX_DEPTH = 100;

/** Applies `wellFormed` to every text in a JSON value, keys included. @throws RangeError for a value of more than 100 levels */
export function wellFormedJson<T>(value: T, depth = 0): T {
  if (depth > MAX_DEPTH) throw new RangeError(`the value has more than ${MAX_DEPTH} levels`);
  if (typeof value === 'string') return wellFormed(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => wellFormedJson(one, depth + 1)) as T;
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    wellFormed(key),
    wellFormedJson<unknown>(inner, depth + 1),
  ]);
  return Object.fromEntries(entries) as T;
}
