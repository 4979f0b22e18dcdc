/** What a backend needs beside the client library: the payload encryption that it must share with the workers. */
export { createKeyring, parseEncryptionKeys } from '../../activities/crypto';
export type { EncryptionKey, Keyring } from '../../activities/crypto';
export { createDataConverter } from './codec';
