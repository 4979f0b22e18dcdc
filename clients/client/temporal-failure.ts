import { isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { Misconfigured, ServiceUnavailable } from './errors';

/**
 * Status codes after which the same request fails again until the set-up is changed: invalid argument (a search
 * attribute that is not registered), permission denied, unimplemented, unauthenticated.
 * Source: https://grpc.io/docs/guides/status-codes/
 */
const PERMANENT: ReadonlySet<number> = new Set([3, 7, 12, 16]);

/** Turns Temporal's own errors into typed ones; returns the failure of a workflow unchanged. */
export function asClientError(error: unknown, workflowId: string): unknown {
  if (error instanceof NamespaceNotFoundError) return new Misconfigured(workflowId, error.message, { cause: error });
  const cause = error instanceof Error ? error.cause : undefined;
  const grpc = [error, cause].find(isGrpcServiceError);
  if (grpc === undefined) return error;
  return PERMANENT.has(grpc.code)
    ? new Misconfigured(workflowId, grpc.message, { cause: error })
    : new ServiceUnavailable(workflowId, { cause: error });
}
