import { CancellationScope, log, upsertSearchAttributes } from '@temporalio/workflow';
import { failureKind } from '../domain/shared/errors';
import type { Money } from '../domain/shared/money';
import { defectMessage, failureTypeOf } from '../kit/failures';
import type { OrderExceptions } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';

/** The first mistake of our own in a checkout. Its buyer gets an answer and all steps are undone; a person gets the case. */
export class CheckoutDefect {
  private message: string | undefined;

  constructor(
    private readonly orderId: string,
    private readonly exceptions: OrderExceptions,
  ) {}

  /** Remembers a failed step where its failure is a mistake of our own. Other failures need no person. */
  note(step: string, error: unknown): void {
    if (failureKind(failureTypeOf(error)) !== 'defect') return;
    this.message ??= defectMessage(`A checkout was undone: ${step}`, error);
  }

  /** Opens the exception of a checkout that came to no order. */
  async raise(amountAtRisk: Money): Promise<void> {
    const { message, orderId } = this;
    if (message === undefined) return;
    const kind = 'step_failed';
    upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: kind }]);
    try {
      await CancellationScope.nonCancellable(() => this.exceptions.raise(kind, message, 'operations', amountAtRisk));
    } catch (error) {
      // The search attribute still shows it; the undo must not wait for the database.
      log.error('an exception could not be recorded', { orderId, kind, error: String(error) });
    }
  }
}
