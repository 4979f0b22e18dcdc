import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** One encryption key. `id` is stored beside what it encrypts, so that keys can be rotated. */
export interface EncryptionKey {
  /** 1 to 255 bytes of UTF-8; never reused for another key. */
  readonly id: string;
  /** 32 bytes: AES-256. */
  readonly key: Buffer;
}

/** Encrypts with the first key, decrypts with any. */
export interface Keyring {
  encrypt(bytes: Uint8Array): Uint8Array;
  /** @throws Error if the key is unknown or the bytes were changed */
  decrypt(bytes: Uint8Array): Uint8Array;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
/** GCM's own nonce length. Random nonces are safe up to 2^32 messages a key: rotate well before. Source: NIST SP 800-38D, 8.3. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of every ciphertext, so that a later version can use another layout. */
const FORMAT = 1;

/**
 * A keyring for personal data at rest and for payloads. Ciphertext: format (1 byte), length of the key id (1), key id,
 * nonce (12), tag (16), ciphertext; the key id is authenticated too.
 *
 * @throws RangeError if there is no key, or if a key has no id, a wrong length or the id of another key
 */
export function createKeyring(keys: readonly EncryptionKey[]): Keyring {
  const [first] = keys;
  if (first === undefined) throw new RangeError('an encryption keyring needs at least one key');
  const byId = new Map<string, Buffer>();
  for (const { id, key } of keys) {
    const idBytes = Buffer.byteLength(id);
    if (idBytes < 1 || idBytes > 255) throw new RangeError('the id of an encryption key must have 1 to 255 bytes');
    if (byId.has(id)) throw new RangeError(`two encryption keys have the id ${id}`);
    if (key.length !== KEY_BYTES)
      throw new RangeError(`encryption key ${id} has ${key.length} bytes, not ${KEY_BYTES}`);
    byId.set(id, key);
  }
  const header = headerOf(first.id);
  return {
    encrypt: (bytes) => seal(first.key, header, bytes),
    decrypt: (bytes) => open(byId, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  };
}

/**
 * Parses `id:base64[,id:base64…]`, the form that the configuration uses.
 * @throws RangeError that names the wrong part by its position and never shows the key
 */
export function parseEncryptionKeys(text: string): EncryptionKey[] {
  return text.split(',').map((part, index) => {
    const colon = part.indexOf(':');
    if (colon < 1) throw new RangeError(`encryption key ${index + 1} must be written id:base64`);
    return { id: part.slice(0, colon).trim(), key: Buffer.from(part.slice(colon + 1).trim(), 'base64') };
  });
}

function headerOf(id: string): Buffer {
  const idBytes = Buffer.from(id);
  return Buffer.concat([Buffer.from([FORMAT, idBytes.length]), idBytes]);
}

function seal(key: Buffer, header: Buffer, bytes: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(header);
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([header, nonce, cipher.getAuthTag(), body]);
}

function open(keys: ReadonlyMap<string, Buffer>, bytes: Buffer): Uint8Array {
  const idLength = bytes[1];
  if (bytes[0] !== FORMAT || idLength === undefined)
    throw new Error('the data was not encrypted by Holdfast, or is cut short');
  const headerEnd = 2 + idLength;
  const tagStart = headerEnd + NONCE_BYTES;
  const bodyStart = tagStart + TAG_BYTES;
  if (bytes.length < bodyStart) throw new Error('the data was not encrypted by Holdfast, or is cut short');
  const id = bytes.toString('utf8', 2, headerEnd);
  const key = keys.get(id);
  if (key === undefined) throw new Error(`no encryption key ${JSON.stringify(id)} in the keyring`);
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(headerEnd, tagStart), { authTagLength: TAG_BYTES });
  decipher.setAAD(bytes.subarray(0, headerEnd));
  decipher.setAuthTag(bytes.subarray(tagStart, bodyStart));
  return Buffer.concat([decipher.update(bytes.subarray(bodyStart)), decipher.final()]);
}
