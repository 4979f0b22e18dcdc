import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { PaymentStore } from '../../activities/storage';
import { failureTypes } from '../../workflows/domain/errors';
import type { CasePlan, Fault, Sighting, Switchboard } from './plan';

/** Set while an attempt is to die between the provider's effect and our record of it. */
interface Tear {
  torn: boolean;
}

const tears = new AsyncLocalStorage<Tear>();

/** Breaks activities, regular and local ones alike, as their cases plan. No product code knows of it. */
export function breakActivities(board: Switchboard): ActivityInterceptorsFactory {
  return (context: Context) => ({
    inbound: {
      async execute(input, next) {
        const sighting = sightingOf(context, input.args);
        const plan = board.of(sighting);
        const fault = plan?.see(sighting);
        if (plan === undefined || fault === undefined) return next(input);
        return breakOne(plan, fault, () => next(input));
      },
    },
  });
}

export function sightingOf(context: Context, args: readonly unknown[]): Sighting {
  const { info } = context;
  const { workflowId = '', runId = '' } = info.workflowExecution ?? {};
  const { orderId } = args[0] as { readonly orderId: string };
  return {
    workflowId,
    runId,
    activityId: info.activityId,
    activity: info.activityType,
    isLocal: info.isLocal,
    orderId,
  };
}

async function breakOne(plan: CasePlan, fault: Fault, effect: () => Promise<unknown>): Promise<unknown> {
  const reached = (): void => void plan.reached.add(fault);
  switch (fault.mode) {
    case 'fail-before':
      reached();
      throw injected(fault, false);
    case 'fail-after':
      await effect();
      reached();
      throw injected(fault, false);
    case 'torn': {
      const tear: Tear = { torn: false };
      try {
        return await tears.run(tear, effect);
      } finally {
        // An attempt that finds everything recorded has nothing to tear.
        reached();
      }
    }
    case 'twice':
      await effect();
      reached();
      return effect();
    case 'lost-before':
      reached();
      throw injected(fault, true);
    case 'lost-after':
      await effect();
      reached();
      throw injected(fault, true);
    case 'late':
    case 'late-retried':
      reached();
      plan.late.push(AsyncLocalStorage.bind(effect));
      throw injected(fault, fault.mode === 'late');
    case 'kill':
      throw new Error('a process is killed from outside: see worker-process.ts');
  }
}

function injected(fault: Fault, nonRetryable: boolean): ApplicationFailure {
  const message = `${fault.activity} #${fault.occurrence}: ${fault.mode}`;
  // What is lost for good is of a type that no caller tries again blindly.
  const type = nonRetryable ? failureTypes.unknownOutcome : failureTypes.providerUnavailable;
  return ApplicationFailure.create({ type, message, nonRetryable });
}

/** The store of payments as activities see it while they may be torn: the first record of a torn attempt fails. */
export function tearable(store: PaymentStore): PaymentStore {
  const tear = (): void => {
    const current = tears.getStore();
    if (current === undefined || current.torn) return;
    current.torn = true;
    throw ApplicationFailure.create({ type: failureTypes.storageUnavailable, message: 'torn before the record' });
  };
  const torn =
    <Input extends unknown[], Output>(record: (...input: Input) => Promise<Output>) =>
    async (...input: Input): Promise<Output> => {
      tear();
      return record(...input);
    };
  return {
    ...store,
    recordAttempt: torn(store.recordAttempt),
    recordVoid: torn(store.recordVoid),
    recordCapture: torn(store.recordCapture),
    recordHoldExpired: torn(store.recordHoldExpired),
  };
}
