import { createHash, timingSafeEqual } from 'node:crypto';
import { ACTOR_MESSAGE, MAX_ACTOR } from '../../schemas/edge';
import { badRequest, Problem } from './problem';

/** Returns the caller, as a fingerprint of the API key. @throws {Problem} 401 */
export type Authenticate = (authorization: string | undefined) => string;

/** Shorter keys, and those of a few characters repeated, can be guessed over the network. */
const MIN_KEY_LENGTH = 16;
const MIN_CHARACTERS = 6;
/** Characters and length that an HTTP header carries unchanged. */
const KEY = /^[\x21-\x7e]{1,512}$/;

/** Why this cannot be an API key; undefined where it can. */
export function apiKeyProblem(key: string): string | undefined {
  if (!KEY.test(key))
    return 'has characters other than printable ASCII, or more than 512, which an HTTP header cannot carry';
  if (key.length < MIN_KEY_LENGTH) return `is shorter than ${MIN_KEY_LENGTH} characters`;
  if (new Set(key).size < MIN_CHARACTERS) return `has fewer than ${MIN_CHARACTERS} different characters`;
  return undefined;
}

/**
 * Several keys may be valid at once, so that they can be rotated. The answer takes as long for a wrong key as for a
 * right one: hashes of equal length are compared in constant time, all of them always.
 * @throws RangeError where there is no key, or where one is weak or cannot be carried by a header
 */
export function createAuthenticator(apiKeys: readonly string[]): Authenticate {
  if (apiKeys.length === 0) throw new RangeError('The gateway needs at least one API key');
  apiKeys.forEach((key, index) => {
    const problem = apiKeyProblem(key);
    if (problem !== undefined)
      throw new RangeError(`API key ${index + 1} of ${apiKeys.length} ${problem}; generate a random one`);
  });
  const hashes = apiKeys.map(hash);
  return (authorization) => {
    const presented = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
    if (presented === undefined) {
      throw unauthorized('The request needs the header "Authorization: Bearer <API key>"', 'missing_api_key');
    }
    const given = hash(presented);
    let known = false;
    for (const one of hashes) known = timingSafeEqual(one, given) || known;
    if (!known) throw unauthorized('The API key is not known', 'wrong_api_key');
    return `api-key:${given.toString('hex').slice(0, 12)}`;
  };
}

/**
 * The actor for the audit log: the authenticated caller, followed by the actor that the request names. A request cannot replace
 * its caller.
 * @throws {Problem} 400 where the named actor is too long
 */
export function actorOf(caller: string, claimed: string | undefined): string {
  if (claimed === undefined) return caller;
  // The schema allows a longer text where it begins like a caller of ours.
  if (claimed.length > MAX_ACTOR) throw badRequest([{ field: 'actor', message: ACTOR_MESSAGE }]);
  return `${caller}:${claimed}`;
}

function hash(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unauthorized(detail: string, code: string): Problem {
  // The body is not read, so the connection cannot be used again.
  return new Problem(401, detail, { code }, { 'www-authenticate': 'Bearer realm="holdfast"', connection: 'close' });
}
