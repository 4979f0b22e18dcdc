import { defineQuery, defineUpdate } from './define';
import type { ResolutionAction } from '../domain/exception/actions';
import type { CommandAnswer } from '../domain/order/commands';
import type { ExceptionKind } from '../domain/exception/exception';
import type { Waiting } from '../domain/shared/waiting';

/** A person's decision on an exception; see domain/exception-actions.ts. */
export interface ResolveCommand {
  readonly kind: ExceptionKind;
  readonly action: ResolutionAction;
  /** Who decides: an id, no name. */
  readonly actor: string;
  /** Why, for the record: no personal data. */
  readonly note?: string;
}

/** Taken by every workflow that raises exceptions which it cannot end by itself. */
export const resolveRaised = defineUpdate<CommandAnswer<{ readonly action: ResolutionAction }>, [ResolveCommand]>(
  'resolveException',
);

/** What a workflow is doing and whom it waits for. */
export interface WorkflowStatus {
  readonly orderId: string;
  readonly step: string;
  readonly waiting: Waiting | null;
}

export const getStatus = defineQuery<WorkflowStatus>('getStatus');
