import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type Stripe from 'stripe';
import type { Sabotage } from '../fault-world';
import type { Fault } from '../plan';
import type { Story } from './stories';
import { stories } from './stories';

/** A mistake that somebody could make, and the cases that must not let it pass. */
export interface SeededBug {
  readonly name: string;
  readonly story: Story;
  readonly faults: readonly Fault[];
  /** Part of what must be said of it. */
  readonly caughtAs: RegExp;
  sabotage(): Promise<Sabotage> | Sabotage;
}

const fault = (activity: string, mode: Fault['mode'], occurrence = 1): Fault => ({ activity, occurrence, mode });

// Of saga.ts.
const INSIST = 'await new Promise<void>((tried) => all.push(insist(step, this.exceptions, tried).finally(tried)));';
const REGISTER = '      if (step.undo !== undefined) this.undos.push(step.undo);';
const STEP = '      if (!(await step.do())) return;';
const UNDO_FIRST = `${REGISTER}\n${STEP}`;

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'an authorization without an idempotency key',
    story: stories.cancel,
    faults: [fault('authorizePayment', 'torn')],
    caughtAs: /hold/,
    // A webhook of the second hold would have it cancelled.
    sabotage: () => ({
      stripe: withoutKey('paymentIntents', 'create'),
      sql: dropOnWrite('inbox', "TG_OP = 'INSERT'", 'RETURN NULL'),
    }),
  },
  {
    name: 'an undo registered after its step',
    story: stories.cancel,
    faults: [fault('authorizePayment', 'late')],
    caughtAs: /hold/,
    sabotage: () => changedWorkflows('kit/saga.ts', [[UNDO_FIRST, `${STEP}\n${REGISTER}`]]),
  },
  {
    name: 'a released reservation without a tombstone',
    story: stories.cancel,
    faults: [fault('reserveStock', 'late')],
    caughtAs: /reservations_differ/,
    sabotage: () => ({ sql: dropOnWrite('operations', "NEW.kind = 'reserve'", 'NEW.undone_at := NULL') }),
  },
  {
    name: 'a voided attempt without a tombstone',
    story: stories.cancel,
    faults: [fault('authorizePayment', 'late')],
    caughtAs: /hold/,
    // The attempt that was never begun leaves no trace, as if only what is known had been sealed.
    sabotage: () => ({ sql: forgetSealed }),
  },
  {
    name: 'stock that is not released',
    story: stories.unrecorded,
    faults: [fault('releaseStock', 'fail-before')],
    caughtAs: /reservations_differ/,
    sabotage: () => ({ activities: (all) => ({ ...all, releaseStock: () => Promise.resolve() }) }),
  },
  {
    name: 'a void that is skipped',
    story: stories.outOfStock,
    faults: [fault('reserveStock', 'fail-after')],
    caughtAs: /hold/,
    sabotage: () => ({
      activities: (all) => ({
        ...all,
        voidPayments: () => Promise.resolve({ outcome: 'voided' as const, releasedAmount: 0 }),
      }),
    }),
  },
  {
    name: 'an unknown outcome guessed to be a decline',
    story: stories.cancel,
    faults: [fault('authorizePayment', 'lost-after')],
    caughtAs: /held|hold/,
    sabotage: () => ({
      interceptor: (context) => ({
        inbound: {
          async execute(input, next) {
            try {
              return await next(input);
            } catch (error) {
              if (context.info.activityType !== 'authorizePayment' || !(error instanceof ApplicationFailure))
                throw error;
              return { status: 'declined', code: 'card_declined', declineCode: 'generic_decline' };
            }
          },
        },
      }),
    }),
  },
  {
    name: 'an order taken to be withdrawn while it is recorded',
    story: stories.cancel,
    faults: [fault('placeOrder', 'lost-after')],
    caughtAs: /there is an order|without/,
    sabotage: () => ({
      activities: (all) => ({ ...all, withdrawOrder: () => Promise.resolve({ outcome: 'withdrawn' as const }) }),
    }),
  },
  {
    name: 'a failed undo that nobody is told of',
    story: stories.outOfStock,
    faults: [fault('voidPayments', 'lost-before')],
    caughtAs: /hold|held/,
    sabotage: () => changedWorkflows('kit/saga.ts', [[INSIST, 'await step.run().catch(() => undefined);']]),
  },
  {
    name: 'an undo that keeps the others waiting',
    story: stories.unrecorded,
    faults: [fault('releaseStock', 'constraint')],
    caughtAs: /hold_without_order/,
    sabotage: () => changedWorkflows('kit/saga.ts', [[INSIST, 'await insist(step, this.exceptions);']]),
  },
  {
    name: 'a refused payment that stays under way',
    story: stories.cancel,
    faults: [fault('authorizePayment', 'refusal')],
    caughtAs: /attempt is unfinished/,
    sabotage: () => ({ sql: dropOnWrite('payment_attempts', "NEW.status = 'refused'", 'NEW.status := OLD.status') }),
  },
];

/** The key is left out where this is asked for, e.g. `paymentIntents` `create`. */
export function withoutKey(resource: keyof Stripe, method: string): (stripe: Stripe) => Stripe {
  return (stripe) => changed(stripe, resource, method, (real, args) => real(...args.filter((one) => !isKey(one))));
}

type Method = (...args: unknown[]) => unknown;

/** The SDK with one of its methods in another way. */
export function changed(
  stripe: Stripe,
  resource: keyof Stripe,
  method: string,
  act: (real: Method, args: unknown[]) => unknown,
): Stripe {
  const part = Reflect.get(stripe, resource) as Record<string, Method>;
  const real: Method = (...args) => part[method]?.(...args);
  const other: Method = (...args) => act(real, args);
  return over(stripe, { [resource]: over(part, { [method]: other }) });
}

function over<T extends object>(whole: T, changes: Readonly<Record<string, unknown>>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const isChanged = Object.hasOwn(changes, name);
      const value: unknown = isChanged ? changes[name as string] : Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function isKey(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && 'idempotencyKey' in argument;
}

export const dropOnWrite = (table: string, when: string, change: string): string => `
  CREATE FUNCTION seeded_bug() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN IF ${when} THEN ${change}; END IF; RETURN NEW; END; $$;
  CREATE TRIGGER seeded_bug BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION seeded_bug();`;

const forgetSealed = `
  CREATE FUNCTION seeded_bug() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN DELETE FROM payment_attempts WHERE order_id = NEW.order_id AND status = 'sealed'; RETURN NULL; END; $$;
  CREATE CONSTRAINT TRIGGER seeded_bug AFTER INSERT ON payment_attempts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status = 'sealed') EXECUTE FUNCTION seeded_bug();`;

/** The workflows with a change in one file, bundled from a copy. @throws Error where the text to change is not there */
async function changedWorkflows(file: string, changes: readonly (readonly [string, string])[]): Promise<Sabotage> {
  const root = resolve(__dirname, '..', '..', '..');
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-seeded-bug-'));
  try {
    await cp(join(root, 'workflows'), join(folder, 'workflows'), { recursive: true });
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const path = join(folder, 'workflows', file);
    let text = await readFile(path, 'utf8');
    for (const [from, to] of changes) {
      if (!text.includes(from)) throw new Error(`${file} has no "${from}" any more: write this seeded bug anew`);
      text = text.replace(from, to);
    }
    await writeFile(path, text);
    const workflowsPath = join(folder, 'workflows', 'index.ts');
    return { workflowBundle: await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
