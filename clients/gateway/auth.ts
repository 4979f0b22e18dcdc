import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem';

/** Says who asks, or throws the 401. */
export type Authenticate = (authorization: string | undefined) => string;

/** Shorter keys can be guessed over the network. */
const MIN_KEY_LENGTH = 16;

/**
 * Several keys may be valid at once, so that they can be rotated. The answer takes as long for a wrong key as for a
 * right one: hashes of equal length are compared in constant time, all of them always.
 * @throws RangeError at once for no key or a short one.
 */
export function createAuthenticator(apiKeys: readonly string[]): Authenticate {
  if (apiKeys.length === 0 || apiKeys.some((key) => key.length < MIN_KEY_LENGTH)) {
    throw new RangeError(`The gateway needs at least one API key, each of at least ${MIN_KEY_LENGTH} characters`);
  }
  const hashes = apiKeys.map(hash);
  return (authorization) => {
    const presented = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) {
      throw unauthorized('The request needs an Authorization header: Bearer, and an API key', 'missing_api_key');
    }
    const given = hash(presented);
    let known = false;
    for (const one of hashes) known = timingSafeEqual(one, given) || known;
    if (!known) throw unauthorized('The API key is not known', 'wrong_api_key');
    return `api-key:${given.toString('hex').slice(0, 12)}`;
  };
}

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unauthorized(detail: string, code: string): Problem {
  return new Problem(401, detail, { code }, { 'www-authenticate': 'Bearer realm="holdfast"' });
}
