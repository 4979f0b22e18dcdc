import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { temporal } from '@temporalio/proto';
import { NAMESPACE_RETENTION_DAYS } from './temporal-config';
import { errorCode } from './error-code';
import { waitFor } from './poll';
import { SEARCH_ATTRIBUTES, type SearchAttributeType } from './search-attributes';

/** Registration takes 1 to 2 s on a fresh server; a remote cluster's caches may need up to 30 s. */
const READY_LIMIT_MS = 45_000;
const DAY_MS = 86_400_000;
/** gRPC status codes (https://grpc.io/docs/guides/status-codes/). */
const GRPC_NOT_FOUND = 5;
const GRPC_ALREADY_EXISTS = 6;

const INDEXED_VALUE_TYPES: Record<SearchAttributeType, temporal.api.enums.v1.IndexedValueType> = {
  Keyword: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Datetime: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
};

/**
 * Registers the namespace (7 days of retention) and the search attributes where they are missing, and returns once a
 * query by them works. Safe to call again at every start.
 * @param createNamespace false on a server that is not ours: there the namespace must exist
 * @throws Error when the namespace is missing, an attribute exists with another type, or they do not become usable
 */
export async function prepareNamespace(
  connection: Connection,
  namespace: string,
  createNamespace: boolean,
): Promise<void> {
  if (!(await namespaceExists(connection, namespace))) {
    if (!createNamespace) {
      throw new Error(
        `The Temporal namespace "${namespace}" does not exist on the configured server: create it, or set TEMPORAL_NAMESPACE.`,
      );
    }
    await ignoringExisting(() =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs(NAMESPACE_RETENTION_DAYS * DAY_MS),
      }),
    );
  }
  await addSearchAttributes(connection, namespace);
  // Registered is not yet usable: every service has its own cache. Only a query by each attribute proves it.
  const query = Object.entries(SEARCH_ATTRIBUTES)
    .map(([name, type]) => (type === 'Datetime' ? `${name} > "2020-01-01T00:00:00Z"` : `${name} = "none"`))
    .join(' OR ');
  await waitFor(`the search attributes of namespace "${namespace}"`, READY_LIMIT_MS, async () => {
    await connection.workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  });
}

async function addSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const listed = await waitFor(`namespace "${namespace}"`, READY_LIMIT_MS, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  const existing = listed.customAttributes ?? {};
  const missing: Record<string, temporal.api.enums.v1.IndexedValueType> = {};
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) {
    const found = existing[name];
    if (found === undefined || found === null) missing[name] = INDEXED_VALUE_TYPES[type];
    else if (found !== INDEXED_VALUE_TYPES[type]) {
      throw new Error(
        `Search attribute ${name} of namespace "${namespace}" exists with another type than ${type}: rename or remove it.`,
      );
    }
  }
  if (Object.keys(missing).length === 0) return;
  // Repeated until accepted: a namespace registered a moment ago is not yet known to every service.
  await waitFor(`registering search attributes in namespace "${namespace}"`, READY_LIMIT_MS, async () => {
    await ignoringExisting(() =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing }),
    );
    return true;
  });
}

async function namespaceExists(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch (error) {
    if (errorCode(error) === GRPC_NOT_FOUND) return false;
    throw error;
  }
}

async function ignoringExisting(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (errorCode(error) !== GRPC_ALREADY_EXISTS) throw error;
  }
}
