import { createKeyring } from '../../activities/crypto';
import type { EncryptionKey } from '../../activities/crypto';
import { createDataConverter } from '../../workers/dependencies/codec';

/**
 * A TEST KEY, committed on purpose: the recorded histories are encrypted with it, so that a replay can read them as a worker
 * reads its own. It protects nothing and must never be used for anything else.
 */
export const RECORDING_TEST_KEY: EncryptionKey = {
  id: 'test-only-recordings',
  key: Buffer.alloc(32, 'holdfast replay test key'),
};

/** What a worker needs to read and write recorded payloads. */
export const recordingDataConverter = createDataConverter(createKeyring([RECORDING_TEST_KEY]));
