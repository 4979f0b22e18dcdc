import { isCancellation, log } from '@temporalio/workflow';
import { NEVER_RETRIED } from '../domain/shared/errors';
import { failureTypeOf, isExpected } from './failures';

/**
 * One try as a local activity, then a regular one under the same operation key: most answers of a provider come within a second
 * and cost one history event in place of six; what takes longer or fails gets the server's retries and a row of its own.
 * A failure that no retry mends is thrown at once.
 */
export async function localFirst<T>(local: () => Promise<T>, regular: () => Promise<T>): Promise<T> {
  try {
    return await local();
  } catch (error) {
    const type = failureTypeOf(error);
    if (isCancellation(error) || (type !== undefined && NEVER_RETRIED.includes(type))) throw error;
    if (!isExpected(error))
      log.warn('a first try failed: going on with retries by the server', { error: String(error) });
    return regular();
  }
}
