import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { METADATA_ENCODING_KEY } from '@temporalio/common';
import * as proto from '@temporalio/proto';
import type { Keyring } from '../../activities/crypto';

const ENCODING = 'binary/holdfast-encrypted';
/** As an ES module, which this is published as, the generated root has a default export only. */
const { temporal } = ('default' in proto ? proto.default : proto) as typeof proto;
const { Payload: PayloadProto } = temporal.api.common.v1;
const QUOTE = '"'.charCodeAt(0);

/**
 * Encrypts the inputs and results of workflows: carts contain personal data, answers may contain a client secret. What people read
 * in the Temporal UI stays readable: summaries and details (bare strings, while our own messages are always objects) and the SDK's
 * description of a workflow with its current details. They contain no personal data.
 */
export function createPayloadCodec(keyring: Keyring): PayloadCodec {
  return {
    encode: (payloads) =>
      Promise.resolve(payloads.map((payload) => (isForPeople(payload) ? payload : seal(keyring, payload)))),
    decode: (payloads) =>
      Promise.resolve(payloads.map((payload) => (encodingOf(payload) === ENCODING ? open(keyring, payload) : payload))),
  };
}

/** The data converter that all clients and workers of Holdfast must share. */
export function createDataConverter(keyring: Keyring): DataConverter {
  return { payloadCodecs: [createPayloadCodec(keyring)] };
}

function seal(keyring: Keyring, payload: Payload): Payload {
  return {
    metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCODING) },
    data: keyring.encrypt(PayloadProto.encode(payload).finish()),
  };
}

function open(keyring: Keyring, payload: Payload): Payload {
  return PayloadProto.decode(keyring.decrypt(payload.data ?? new Uint8Array()));
}

function isForPeople(payload: Payload): boolean {
  const { data } = payload;
  if (data === null || data === undefined || data.length === 0) return true;
  if (encodingOf(payload) !== 'json/plain') return false;
  return data[0] === QUOTE || isWorkflowDescription(data);
}

/** The answer to a query of the Temporal UI: `{"definition":{…},"currentDetails":"…"}`. */
function isWorkflowDescription(data: Uint8Array): boolean {
  const start = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, 32)).toString();
  return start.startsWith('{"definition":{');
}

function encodingOf(payload: Payload): string {
  return Buffer.from(payload.metadata?.[METADATA_ENCODING_KEY] ?? []).toString();
}
