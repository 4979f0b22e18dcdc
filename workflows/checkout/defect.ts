import {
  CancellationScope,
  log,
  proxyLocalActivities,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { STORAGE_OPTIONS } from '../kit/activity-options';
import { failureKind } from '../domain/shared/errors';
import type { Money } from '../domain/shared/money';
import { defectMessage, failureTypeOf } from '../kit/failures';
import type { OrderActivities } from '../order/ports';
import type { ExceptionKeys } from '../kit/exceptions';
import { searchAttributes } from '../kit/search-attributes';

const orders = proxyLocalActivities<OrderActivities>(STORAGE_OPTIONS);

/** The first mistake of our own in a checkout. Its buyer is answered and all is undone; a person gets the case. */
export class CheckoutDefect {
  private message: string | undefined;

  constructor(
    private readonly orderId: string,
    private readonly keys: ExceptionKeys,
  ) {}

  /** Remembers a failed step where its failure is a mistake of our own; every other kind is none of a person's business. */
  note(step: string, error: unknown): void {
    if (failureKind(failureTypeOf(error)) !== 'defect') return;
    this.message ??= defectMessage(`A checkout was undone: ${step}`, error);
  }

  /** Opens the exception of a checkout that came to no order. Before the undo, which may take days. */
  async raise(amountAtRisk: Money): Promise<void> {
    const { message, orderId } = this;
    if (message === undefined) return;
    const kind = 'step_failed';
    upsertSearchAttributes([{ key: searchAttributes.exceptionKind, value: kind }]);
    const { workflowId } = workflowInfo();
    const operationKey = this.keys.of(kind);
    try {
      await CancellationScope.nonCancellable(() =>
        orders.raiseException({ orderId, workflowId, kind, operationKey, message, owner: 'operations', amountAtRisk }),
      );
    } catch (error) {
      // The search attribute shows it still; the undo must not wait for it.
      log.error('an exception could not be recorded', { orderId, kind, error: String(error) });
    }
  }
}
