import { isCancellation, log, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import { exceptionActions } from '../domain/exception/actions';
import type { ResolutionAction } from '../domain/exception/actions';
import type { ExceptionKind } from '../domain/exception/exception';
import type { CommandAnswer, Refusal } from '../domain/order/commands';
import type { OrderFacts } from '../domain/order/order';
import { STORAGE_OPTIONS } from './activity-options';
import { refusal } from './answers';
import type { ResolveCommand } from './messages';
import { MovingDeadline } from './waiting';
import type { Money } from '../domain/shared/money';

export interface RaiseExceptionInput {
  readonly orderId: string;
  readonly workflowId: string;
  readonly kind: ExceptionKind;
  /** One for each time it is raised: once it is resolved under this key, a late attempt opens nothing. */
  readonly operationKey?: string;
  /** What happened, what is at risk, and what to do next. No personal data. */
  readonly message: string;
  readonly owner: string;
  /** Minor units and stock at risk, where they are known. */
  readonly amountAtRisk?: Money;
  /** An exception of the kind that is open takes over this text and amount; its id, owner and time stay. */
  readonly replacesText?: boolean;
}

/** Exceptions of workflows that belong to an order. Called as local activities: one short transaction each. */
export interface ExceptionActivities {
  /** Opens an exception with an owner. Where one of the kind is open for the workflow, only its text changes, with `replacesText`. */
  raiseException(input: RaiseExceptionInput): Promise<OrderFacts | null>;
  /** Writes down what a person decided on an open exception, and who. It stays open. */
  decideException(input: ResolveCommand & { readonly workflowId: string }): Promise<void>;
  /** Closes the open exceptions of these kinds of a workflow. */
  resolveException(input: {
    readonly orderId: string;
    readonly workflowId: string;
    readonly kinds: readonly ExceptionKind[];
    /** Those under which they were raised. */
    readonly operationKeys?: readonly string[];
  }): Promise<OrderFacts | null>;
}

/** Opens and closes the exceptions of steps that fail and are tried again. */
export interface StepExceptions {
  raise(kind: ExceptionKind, message: string): Promise<unknown>;
  resolve(kind: ExceptionKind): Promise<unknown>;
  readonly decisions: Decisions;
}

/** The handler of `resolveRaised` where mostly steps that are tried again wait for a person. */
export async function decideOn(
  exceptions: StepExceptions,
  command: ResolveCommand,
): Promise<CommandAnswer<{ readonly action: ResolutionAction }>> {
  const { kind, action } = command;
  const decided = await exceptions.decisions.take(command);
  if (decided !== undefined) return decided;
  if (action !== 'dismiss' || !exceptionActions(kind).actions.includes(action)) {
    return refusal('nothing_to_resolve', `No step that failed waits for a decision on ${kind}.`);
  }
  await exceptions.decisions.record(command);
  await exceptions.resolve(kind);
  return { accepted: true, action };
}

/** A step that failed permanently and is tried again; `resolvedByHand` where a person may do it in its place. */
export interface FailingStep {
  readonly name: string;
  readonly exceptionKind: ExceptionKind;
  readonly resolvedByHand?: unknown;
}

/** Hands a person's decision to a step that waits to be tried again. */
export class Decisions {
  /** Kinds of the steps that failed and have not succeeded since. */
  readonly failing = new Set<ExceptionKind>();
  private readonly waiting = new Map<ExceptionKind, { made?: ResolutionAction; readonly canBeDismissed: boolean }>();

  /** @param record writes down who decided what */
  constructor(readonly record: (command: ResolveCommand) => Promise<unknown>) {}

  /** Hands a decision to the step that waits for it; undefined where none of this kind does. */
  async take(command: ResolveCommand): Promise<{ accepted: true; action: ResolutionAction } | Refusal | undefined> {
    const { kind, action } = command;
    const step = this.waiting.get(kind);
    if (step === undefined) return undefined;
    if (action === 'give_up' || (action === 'dismiss' && !step.canBeDismissed)) {
      return refusal('action_not_possible', `${action} is not possible for this ${kind}.`);
    }
    await this.record(command);
    step.made = action;
    return { accepted: true, action };
  }

  /** Waits for a decision, or until it is time to try again by itself. */
  async wait(step: FailingStep, pauseMs: number): Promise<ResolutionAction | undefined> {
    const waiting: { made?: ResolutionAction; readonly canBeDismissed: boolean } = {
      canBeDismissed: step.resolvedByHand !== undefined,
    };
    this.waiting.set(step.exceptionKind, waiting);
    // Not kept: the next pause is longer.
    await new MovingDeadline(false).wait(
      () => waiting.made !== undefined,
      Date.now() + pauseMs,
      `Try again: ${step.name}`,
    );
    this.waiting.delete(step.exceptionKind);
    return waiting.made;
  }
}

/** Keys for raising exceptions: the same while one is open, another one after it was resolved. */
export class ExceptionKeys {
  private readonly counts = new Map<ExceptionKind, number>();

  of(kind: ExceptionKind): string {
    const { workflowId, runId } = workflowInfo();
    return `exception:${workflowId}:${runId}:${kind}:${this.counts.get(kind) ?? 1}`;
  }

  /** The key under which it was raised; the next time has another one. */
  close(kind: ExceptionKind): string {
    const key = this.of(kind);
    this.counts.set(kind, (this.counts.get(kind) ?? 1) + 1);
    return key;
  }
}

const records = proxyLocalActivities<ExceptionActivities>(STORAGE_OPTIONS);

/** The exceptions that a workflow opens and closes for its order, in its own name. */
export class OrderExceptions implements StepExceptions {
  readonly decisions = new Decisions((command) => this.decided(command));
  private readonly keys = new ExceptionKeys();
  private readonly workflowId = workflowInfo().workflowId;

  /**
   * @param knownOrderId asked for each time: it may be known only after the first look
   * @param onResolved called after exceptions were closed
   * @param amountAtRisk what is at risk where the caller of `raise` names nothing else
   * @param onFacts called with the order as it is after an exception was raised or resolved
   */
  constructor(
    private readonly knownOrderId: () => string | undefined,
    private readonly onResolved: () => void = () => undefined,
    private readonly amountAtRisk: () => Money | undefined = () => undefined,
    private readonly onFacts: (facts: OrderFacts) => void = () => undefined,
  ) {}

  async raise(
    kind: ExceptionKind,
    message: string,
    owner = 'payments',
    amountAtRisk = this.amountAtRisk(),
    replacesText = false,
  ): Promise<void> {
    const operationKey = this.keys.of(kind);
    const exception = { orderId: this.orderId, workflowId: this.workflowId, kind, operationKey, message, owner };
    const facts = await records.raiseException({
      ...exception,
      ...(amountAtRisk && { amountAtRisk }),
      ...(replacesText && { replacesText }),
    });
    if (facts !== null) this.onFacts(facts);
  }

  /**
   * As `raise`, for a step that is tried again: where the exception cannot be recorded, the step goes on, and its next failure
   * raises it.
   */
  async report(...raised: Parameters<OrderExceptions['raise']>): Promise<void> {
    try {
      await this.raise(...raised);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.error('an exception could not be recorded', { kind: raised[0], error: String(error) });
    }
  }

  async resolve(...kinds: ExceptionKind[]): Promise<void> {
    const { workflowId, keys } = this;
    const operationKeys = kinds.map((kind) => keys.of(kind));
    const facts = await records.resolveException({ orderId: this.orderId, workflowId, kinds, operationKeys });
    for (const kind of kinds) keys.close(kind);
    this.onResolved();
    if (facts !== null) this.onFacts(facts);
  }

  private get orderId(): string {
    const orderId = this.knownOrderId();
    if (orderId === undefined) throw new TypeError(`the order of ${this.workflowId} is not known yet`);
    return orderId;
  }

  /** Writes down what a person decided. */
  async decided(command: ResolveCommand): Promise<void> {
    await records.decideException({ workflowId: this.workflowId, ...command });
  }
}
