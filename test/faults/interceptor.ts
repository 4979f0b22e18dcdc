import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pool } from 'pg';
import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { failureTypes } from '../../workflows/domain/shared/errors';
import type { FaultRule } from '../../workers/embedded/stripe/http/faults';
import type { StripeSimulator } from '../../workers/embedded/stripe/server';
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

/** What breaks from outside of our code: the provider, and the tables. */
export interface FaultTools {
  readonly faults: StripeSimulator['faults'];
  readonly pool: Pool;
}

/** Breaks activities, regular and local ones alike, as their cases plan. No product code knows of it. */
export function breakActivities(board: Switchboard, tools: FaultTools): ActivityInterceptorsFactory {
  return (context: Context) => ({
    inbound: {
      async execute(input, next) {
        const sighting = sightingOf(context, input.args);
        const plan = board.of(sighting);
        const fault = plan?.see(sighting);
        if (plan === undefined || fault === undefined) return next(input);
        return breakOne(plan, fault, tools, () => next(input));
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

async function breakOne(
  plan: CasePlan,
  fault: Fault,
  tools: FaultTools,
  effect: () => Promise<unknown>,
): Promise<unknown> {
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
    case 'stored-500':
    case 'stored-500-done':
    case 'refusal': {
      const rule = tools.faults.add(providerFault(plan, fault));
      try {
        return await effect();
      } finally {
        // One that finds nothing to ask for has nothing to break.
        reached();
        tools.faults.clear(rule);
      }
    }
    case 'constraint': {
      const ids = plan.ids();
      await tools.pool.query(REFUSE, [ids]);
      try {
        return await effect();
      } finally {
        reached();
        await tools.pool.query(ACCEPT, [ids]);
      }
    }
    case 'defect':
      await effect();
      reached();
      throw new TypeError(`${fault.activity} #${fault.occurrence}: a mistake of the program`);
    case 'kill':
      throw new Error('a process is killed from outside: see worker-process.ts');
  }
}

/** Installed in the database of a world: the rows of these ids break a constraint where a step records what was done. */
export const REFUSING_TABLES = `
  CREATE TABLE refused_records (id text NOT NULL);
  CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF EXISTS (SELECT FROM refused_records r WHERE r.id IN (to_jsonb(NEW) ->> 'order_id', to_jsonb(NEW) ->> 'subject_id')) THEN
      RAISE check_violation USING MESSAGE = 'new row violates check constraint "put_there_by_a_test"';
    END IF;
    RETURN NEW;
  END; $$;
  CREATE TRIGGER refuse_record BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.action NOT LIKE 'begin %')
    EXECUTE FUNCTION refuse_record();
  CREATE TRIGGER refuse_record BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION refuse_record();`;
const REFUSE = 'INSERT INTO refused_records SELECT unnest($1::text[])';
const ACCEPT = 'DELETE FROM refused_records WHERE id = ANY ($1::text[])';

/** Meets the requests that carry one of the case's ids in their idempotency key. */
function providerFault(plan: CasePlan, { mode }: Fault): FaultRule {
  const match = { method: 'POST', idempotencyKeyPattern: plan.ids().join('|') };
  if (mode === 'refusal')
    return { match, action: { kind: 'refusal', code: 'amount_too_small', param: 'amount' }, times: Infinity };
  const when = mode === 'stored-500-done' ? 'after' : 'during';
  return { match, action: { kind: 'server_error', when, status: 500 } };
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
