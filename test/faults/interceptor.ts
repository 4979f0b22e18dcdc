import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { failureTypes } from '../../workflows/domain/errors';
import type { CasePlan, Fault, Sighting, Switchboard } from './plan';

/** Set while an attempt is to die between the provider's effect and our record of it. */
interface Tear {
  torn: boolean;
  /** Records that come before the provider is asked to change anything. */
  skip: number;
}

/** Activities that record what they see before they act. */
const RECORDS_BEFORE: Readonly<Record<string, number>> = { endSubscription: 1 };

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
      const tear: Tear = { torn: false, skip: RECORDS_BEFORE[fault.activity] ?? 0 };
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

/**
 * A store as activities see it while they may be torn: the first record of a torn attempt fails.
 * @param records names of its methods that record what the provider has done
 */
export function tearable<Store extends object>(store: Store, records: readonly (keyof Store & string)[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || !(records as readonly (string | symbol)[]).includes(name)) return method;
      return async (...input: unknown[]): Promise<unknown> => {
        tear();
        return Reflect.apply(method, target, input) as unknown;
      };
    },
  });
}

function tear(): void {
  const current = tears.getStore();
  if (current === undefined || current.torn) return;
  if (current.skip > 0) {
    current.skip -= 1;
    return;
  }
  current.torn = true;
  throw ApplicationFailure.create({ type: failureTypes.storageUnavailable, message: 'torn before the record' });
}
