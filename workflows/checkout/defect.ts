import { CancellationScope, upsertSearchAttributes } from '@temporalio/workflow';
import { failureKind } from '../domain/shared/errors';
import { defectMessage, failureTypeOf } from '../kit/failures';
import type { OrderExceptions } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';

/** The first mistake of our own in a checkout. Its buyer gets an answer and all steps are undone; a person gets the case. */
export class CheckoutDefect {
  private message: string | undefined;

  constructor(private readonly exceptions: OrderExceptions) {}

  /** Remembers a failed step where its failure is a mistake of our own. Other failures need no person. */
  note(step: string, error: unknown): void {
    if (failureKind(failureTypeOf(error)) !== 'defect') return;
    this.message ??= defectMessage(`A checkout was undone: ${step}`, error);
  }

  /** Opens the exception of a checkout that came to no order. */
  async raise(): Promise<void> {
    const { message, exceptions } = this;
    if (message === undefined) return;
    // Shows it also where the exception cannot be recorded.
    upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: 'step_failed' }]);
    await CancellationScope.nonCancellable(() => exceptions.report('step_failed', message, 'operations'));
  }
}
