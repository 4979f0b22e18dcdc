import {
  possibleActions,
  type ExceptionActions,
  type ExceptionView,
  type ResolutionAction,
} from '../../../workflows/domain/exception/actions';
import type { ExceptionKind } from '../../../workflows/domain/exception/exception';
import * as schemas from '../../schemas/exceptions';
import { parse } from '../../schemas/validate';
import type { Outcome } from '../server/idempotency';
import { actorOf } from '../server/auth';
import type { GatewayMetrics } from '../server/metrics';
import type { Call, Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { notFound, Problem } from '../server/problem';

type ExceptionDeps = Pick<GatewayDeps, 'holdfast' | 'orders'>;

/** Everything under `/v1/exceptions`. */
export function exceptionOperations(deps: ExceptionDeps, metrics: GatewayMetrics): Operation[] {
  return [list(deps), show(deps), resolve(deps, metrics)];
}

function list(deps: ExceptionDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/exceptions',
    name: 'listExceptions',
    summary: 'Open exceptions, oldest first: what needs a person, what is at risk, and what can be done.',
    query: schemas.listExceptionsQuery,
    answers: { 200: ['Exceptions', schemas.exceptionsAnswer] },
    problems: {},
    prepare: (call) => {
      const { limit, order } = parse(schemas.listExceptionsQuery, call.query);
      return async () => {
        const exceptions = await deps.orders.listExceptions(limit, order);
        return {
          status: 200,
          body: { exceptions: await Promise.all(exceptions.map((one) => withActions(deps, one))) },
        };
      };
    },
  };
}

function show(deps: ExceptionDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/exceptions/:exceptionId',
    name: 'getException',
    summary: 'One exception, open or resolved; a resolved one with who resolved it, when and how.',
    answers: { 200: ['The exception', schemas.exceptionAnswer] },
    problems: { 404: 'No such exception' },
    prepare: (call) => {
      const { exceptionId } = parse(schemas.exceptionParams, call.params);
      return async () => ({ status: 200, body: await withActions(deps, await existing(deps, exceptionId)) });
    },
  };
}

function resolve(deps: ExceptionDeps, metrics: GatewayMetrics): Operation {
  return {
    method: 'POST',
    path: '/v1/exceptions/:exceptionId/resolution',
    name: 'resolveException',
    summary:
      'Decide an exception: its workflow retries, gives up, or dismisses it because a person has done it by hand. Recorded with the actor.',
    body: schemas.resolutionRequest,
    answers: { 200: ['Decided', schemas.resolutionAnswer] },
    problems: {
      404: 'No such exception',
      409: '`already_resolved`: `resolvedAt`, `decidedBy` and `resolution` say when, by whom and how · `action_not_possible`: `actions` lists what is possible, `elsewhere` names the route that decides it · `outcome_unknown`: it failed again',
    },
    prepare: (call) => {
      const { exceptionId } = parse(schemas.exceptionParams, call.params);
      const request = parse(schemas.resolutionRequest, call.body);
      return async () => {
        const exception = await existing(deps, exceptionId);
        const { action, note, actor } = request;
        await decide(deps, exception, { action, actor: actorOf(call.actor, actor), note }, call);
        metrics.commands.inc({ command: 'resolveException', answer: 'accepted' });
        return { status: 200, body: { exceptionId, action: request.action } } satisfies Outcome;
      };
    },
  };
}

interface Decision {
  readonly action: ResolutionAction;
  readonly actor: string;
  readonly note?: string | undefined;
}

async function decide(deps: ExceptionDeps, exception: ExceptionView, decision: Decision, call: Call): Promise<void> {
  const { action, actor, note } = decision;
  const { workflowId, kind } = exception;
  if (exception.resolvedAt !== null) throw alreadyResolved(exception);
  const { actions, elsewhere } = await actionsOf(deps, exception);
  if (!actions.includes(action)) {
    const where = elsewhere === undefined ? '' : ` Instead: ${elsewhere}`;
    throw new Problem(409, `The action ${action} is not possible for an exception of kind ${kind}.${where}`, {
      code: 'action_not_possible',
      actions,
      ...(elsewhere !== undefined && { elsewhere }),
    });
  }
  const command = { kind: kind as ExceptionKind, action, actor, ...(note !== undefined && { note }) };
  const answer = await deps.holdfast.resolveException(workflowId, command, call.options);
  if (answer === 'not_running') {
    if (action !== 'dismiss') {
      const detail = 'The workflow that raised this exception has ended: it cannot be retried, only dismissed.';
      throw new Problem(409, detail, { code: 'action_not_possible', actions: ['dismiss'] });
    }
    await deps.orders.dismissException({ workflowId, ...command });
  } else if (!answer.accepted) throw new Problem(409, answer.message, { code: answer.reason });
}

async function existing({ orders }: ExceptionDeps, exceptionId: string): Promise<ExceptionView> {
  const found = await orders.getException(exceptionId);
  if (found === undefined) throw notFound('The exception');
  return found;
}

function alreadyResolved({ exceptionId, resolvedAt, decidedBy, resolution, note }: ExceptionView): Problem {
  const how = decidedBy === null ? 'it ended by itself' : `${decidedBy} decided ${resolution ?? ''}`;
  const detail = `Exception ${exceptionId} was resolved at ${resolvedAt ?? ''}: ${how}.`;
  return new Problem(409, detail, { code: 'already_resolved', resolvedAt, decidedBy, resolution, note });
}

/** A resolved exception has no actions, so Temporal is not asked about it. */
async function actionsOf({ holdfast }: ExceptionDeps, exception: ExceptionView): Promise<ExceptionActions> {
  if (exception.resolvedAt !== null) return { actions: [] };
  const known = possibleActions(exception, true);
  return known.actions.length === 0
    ? known
    : possibleActions(exception, await holdfast.isRunning(exception.workflowId));
}

async function withActions(deps: ExceptionDeps, exception: ExceptionView): Promise<ExceptionView & ExceptionActions> {
  return { ...exception, ...(await actionsOf(deps, exception)) };
}
