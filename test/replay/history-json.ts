import type { History } from '@temporalio/common/lib/proto-utils';
import { temporal } from '@temporalio/proto';
import * as proto from '@temporalio/proto';
import { patchProtobufRoot } from '@temporalio/proto/lib/patch-protobuf-root';
import { createRequire } from 'node:module';

/*
 * Temporal's own JSON of histories, as its command line and its UI write it. The SDK's `historyToJSON` does the same but
 * refuses ("type must be a Type") wherever npm has installed two copies of protobufjs; this takes the one that made the types.
 */

/** A history as its file has it. */
export interface HistoryJson {
  events: HistoryEventJson[];
}

export interface HistoryEventJson {
  eventId: string;
  eventType: string;
  [attributes: string]: unknown;
}

interface ProtoJson {
  toJson(type: unknown, message: unknown): unknown;
  fromJson(type: unknown, json: unknown, options: { readonly ignoreUnknownFields: boolean }): unknown;
}

const protoJson = createRequire(require.resolve('@temporalio/proto'))('protobufjs/ext/protojson') as ProtoJson;
const root = patchProtobufRoot(proto) as unknown as { lookupType(name: string): unknown };
const historyType = root.lookupType('temporal.api.history.v1.History');

export function toHistoryJson(history: History): HistoryJson {
  return protoJson.toJson(historyType, temporal.api.history.v1.History.fromObject(history)) as HistoryJson;
}

export function fromHistoryJson(history: HistoryJson): History {
  // A newer server may have added fields that this SDK does not know.
  return protoJson.fromJson(historyType, history, { ignoreUnknownFields: true }) as History;
}
