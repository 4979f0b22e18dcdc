import type { ConnectionLike } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import type { temporal } from '@temporalio/proto';
import { errorCode } from '../dependencies/error-code';
import { waitFor } from '../dependencies/poll';
import { FaultError } from './fault';
import { SEARCH_ATTRIBUTES, type WantedAttribute } from './search-attributes';
import { runSteps, type Step, type StepResult } from './step';

export type TemporalServices = Pick<ConnectionLike, 'workflowService' | 'operatorService'>;

/** Finished workflows stay visible for a week, long enough to look into the orders of a weekend. */
export const NAMESPACE_RETENTION_DAYS = 7;
const DAY_MS = 86_400_000;
/** Registration takes 1 to 2 s on a fresh server; a remote cluster's caches may need up to 30 s. */
const READY_LIMIT_MS = 45_000;
/** gRPC status codes (https://grpc.io/docs/guides/status-codes/). */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
/** Permission denied, unimplemented: a hosted Temporal does not list attributes for a worker's credentials. */
const NOT_OFFERED: readonly unknown[] = [7, 12];

/** Registers the namespace where it is missing. */
export function namespaceStep({ workflowService, operatorService }: TemporalServices, namespace: string): Step {
  return {
    name: 'Temporal namespace',
    async look() {
      return (await namespaceExists(workflowService, namespace))
        ? { state: 'there', text: namespace }
        : { state: 'missing', text: `register ${namespace} with ${NAMESPACE_RETENTION_DAYS} days of retention` };
    },
    async perform() {
      await ignoringExisting(() =>
        workflowService.registerNamespace({
          namespace,
          workflowExecutionRetentionPeriod: msToTs(NAMESPACE_RETENTION_DAYS * DAY_MS),
        }),
      );
      // Hazard: a registered namespace is not yet known to every service, and the next step may reach another one.
      await waitFor(`namespace "${namespace}"`, READY_LIMIT_MS, () =>
        operatorService.listSearchAttributes({ namespace }),
      );
    },
  };
}

/** Registers the search attributes that are missing, and waits until a query by them works. */
export function searchAttributesStep(connection: TemporalServices, namespace: string): Step {
  return {
    name: 'Search attributes',
    async look() {
      const missing = await unregistered(connection, namespace);
      return missing.length === 0
        ? { state: 'there', text: namesOf(SEARCH_ATTRIBUTES) }
        : { state: 'missing', text: `register ${namesOf(missing)}` };
    },
    async perform() {
      const missing = await unregistered(connection, namespace);
      const wanted = Object.fromEntries(missing.map(({ name, type }) => [name, type]));
      // Repeated until accepted: a new namespace is not yet known to every service.
      await waitFor(`registering search attributes in namespace "${namespace}"`, READY_LIMIT_MS, async () => {
        await ignoringExisting(() =>
          connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted }),
        );
        return true;
      });
      // Hazard: a registered attribute is not usable yet, since every service has its own cache. Only a query by it proves it.
      await waitFor(`the search attributes of namespace "${namespace}"`, READY_LIMIT_MS, async () =>
        (await unusableAttributes(connection, namespace)).length === 0 ? true : undefined,
      );
    },
  };
}

/** The attributes that queries cannot use yet; needs only the permissions of a worker. */
export async function unusableAttributes(
  { workflowService }: Pick<TemporalServices, 'workflowService'>,
  namespace: string,
): Promise<readonly string[]> {
  const usable = await Promise.all(
    SEARCH_ATTRIBUTES.map(({ probe }) =>
      workflowService.countWorkflowExecutions({ namespace, query: probe }).then(
        () => true,
        (error: unknown) => {
          if (errorCode(error) === INVALID_ARGUMENT) return false;
          throw error;
        },
      ),
    ),
  );
  return SEARCH_ATTRIBUTES.filter((_, index) => usable[index] === false).map(({ name }) => name);
}

export async function namespaceExists(
  workflowService: TemporalServices['workflowService'],
  namespace: string,
): Promise<boolean> {
  try {
    await workflowService.describeNamespace({ namespace });
    return true;
  } catch (error) {
    if (errorCode(error) === NOT_FOUND) return false;
    throw error;
  }
}

/**
 * Prepares the namespace of an embedded server. May be called at every start.
 * @throws the error of the step that failed
 */
export async function prepareNamespace(connection: TemporalServices, namespace: string): Promise<void> {
  const failed: StepResult[] = [];
  const steps = [namespaceStep(connection, namespace), searchAttributesStep(connection, namespace)];
  const report = (result: StepResult): void => void (result.state === 'failed' && failed.push(result));
  if (!(await runSteps(steps, { dryRun: false, report }))) throw new Error(failed[0]?.text);
}

/** @throws FaultError where an attribute exists with another type */
async function unregistered(services: TemporalServices, namespace: string): Promise<readonly WantedAttribute[]> {
  const listed = await services.operatorService.listSearchAttributes({ namespace }).catch((error: unknown) => {
    if (NOT_OFFERED.includes(errorCode(error))) return undefined;
    throw error;
  });
  if (listed === undefined) {
    const unusable = await unusableAttributes(services, namespace);
    return SEARCH_ATTRIBUTES.filter(({ name }) => unusable.includes(name));
  }
  const existing: Record<string, temporal.api.enums.v1.IndexedValueType | null> = listed.customAttributes ?? {};
  return SEARCH_ATTRIBUTES.filter(({ name, type, cliType }) => {
    const found = existing[name];
    if (found === undefined || found === null) return true;
    if (found === type) return false;
    throw new FaultError(
      `Search attribute ${name} of namespace "${namespace}" exists with another type than ${cliType}`,
      'Rename or remove it, or use another namespace (TEMPORAL_NAMESPACE)',
    );
  });
}

function namesOf(attributes: readonly WantedAttribute[]): string {
  return attributes.map(({ name }) => name).join(', ');
}

async function ignoringExisting(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (errorCode(error) !== ALREADY_EXISTS) throw error;
  }
}
