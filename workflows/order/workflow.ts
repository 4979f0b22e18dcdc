import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  log,
  setHandler,
  setWorkflowOptions,
} from '@temporalio/workflow';
import { openDispute } from '../domain/dispute/dispute';
import type { Refusal, ShipCommand } from '../domain/order/commands';
import type { Due } from '../domain/order/next-due';
import { isGivenBack, isRaised } from '../domain/order/order';
import { failureTypes } from '../domain/shared/errors';
import { MAX_LINES, MAX_QUANTITY } from '../domain/shared/money';
import { holdLimitMs } from '../domain/shared/policy';
import { OUTCOME_UNKNOWN, refusal } from '../kit/answers';
import { failureTypeOf } from '../kit/failures';
import { live } from '../kit/lifecycle';
import { getStatus, resolveRaised, type ResolveCommand } from '../kit/messages';
import { insist } from '../kit/saga';
import { versioned } from '../kit/versioning';
import { paymentChanged } from '../payment/messages';
import { cancel, capture, captureAll, decide, deliver, renew, ship } from './commands';
import { closeDefect, raiseDefect, resolveByPerson } from './exceptions';
import { askForPayment, voidReplacedHolds, releaseForAnother, renewHold, stopForRefund, syncPayment } from './holds';
import { OrderLifecycle, records } from './lifecycle';
import { cancelOrder, decideHold, deliverOrder, orderChanged, renewPayment, shipOrder } from './messages';
import type { OrderInput } from './messages';

/*
 * An order's life, from placed to delivered or cancelled: it ships when somebody asks for it, captures as it ships, renews its
 * card hold, and watches its deadlines. All facts come from Postgres and are returned by every step; the workflow decides what
 * happens next, and one thing at a time. What is due when: domain/order/next-due.ts.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), order);

/** How an order ended: its last state, or that no such order is recorded. */
export interface OrderEnd {
  readonly orderId: string;
  readonly state: string;
}

export async function order(input: OrderInput): Promise<OrderEnd> {
  const life = new OrderLifecycle(input);
  setUp(life);
  return CancellationScope.nonCancellable(() => run(life));
}

/** Handlers come first: a command may arrive with the start, before anything is loaded. */
function setUp(life: OrderLifecycle): void {
  setHandler(shipOrder, (command) => inTurn(life, 'ship', () => ship(life, command)), { validator: validateShipment });
  setHandler(cancelOrder, (command) => inTurn(life, 'cancel', () => cancel(life, command)));
  setHandler(deliverOrder, (command) => inTurn(life, 'deliver', () => deliver(life, command)));
  setHandler(renewPayment, ({ paymentMethod }) => inTurn(life, 'renewPayment', () => renew(life, paymentMethod)));
  setHandler(decideHold, (decision) => inTurn(life, 'decideHold', () => decide(life, decision)));
  setHandler(resolveRaised, (command) => decideException(life, command));
  setHandler(paymentChanged, ({ paymentIntentId }) =>
    follow(life, 'syncPayment', () => syncPayment(life, paymentIntentId)),
  );
  // A refund or a dispute changed the record.
  setHandler(orderChanged, () => follow(life, 'reload', () => life.reload()));
  setHandler(getStatus, () => life.status());
  // An operator's cancel in the Temporal UI is a cancel of the order, with the same rules.
  void CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(() =>
      inTurn(life, 'cancel', () => cancel(life, { reason: 'cancelled_in_temporal', actor: 'operator' })),
    ),
  );
}

async function run(life: OrderLifecycle): Promise<OrderEnd> {
  const { orderId } = life;
  await load(life);
  if (!life.exists) {
    await condition(allHandlersFinished);
    return { orderId, state: 'unknown' };
  }
  await live(life, {
    act: async (due) => due && actOn(life, due.kind),
    succeeded: async (due) => {
      life.endFailures();
      if (due !== undefined) await closeDefect(life, due.kind);
    },
    failed: async (error, due) => {
      const isOften = life.countFailure();
      await raiseDefect(life, due?.kind ?? life.step, error, isOften).catch(() => undefined);
      // The facts in memory may be out of date: a workflow task that is lost takes the memory of its local activities with it.
      await life.reload().catch(() => undefined);
    },
    continueAnew: () => continueAsNew<typeof order>(life.next()),
  });
  return { orderId, state: life.facts.state };
}

/** Reads the order's record, for as long as it takes. An order that is not recorded is an answer, not a failure. */
async function load(life: OrderLifecycle): Promise<void> {
  const step = {
    name: 'load the order',
    exceptionKind: 'order_unreadable',
    atRisk: `order ${life.orderId} does not go on until its record can be read.`,
    run: async () => {
      try {
        await life.reload();
      } catch (error) {
        if (failureTypeOf(error) !== failureTypes.notFound) throw error;
      }
    },
  } as const;
  try {
    await insist(step, life.exceptions);
  } finally {
    life.loaded = true;
  }
}

/** What an order does by itself. */
async function actOn(life: OrderLifecycle, kind: Due['kind']): Promise<unknown> {
  life.step = kind;
  switch (kind) {
    case 'settle':
      return finishSteps(life);
    case 'let_go':
      return voidReplacedHolds(life);
    case 'capture_order':
    case 'capture_last':
      return captureAll(life);
    case 'authorize':
      return authorizeAgain(life);
    case 'warn_hold':
      return life.set(await records.warnOfHold({ orderId: life.orderId }));
    case 'act_on_hold':
      return actOnHold(life);
    case 'check_hold':
      return look(life, life.facts.hold?.paymentIntentId);
    case 'poll_payment':
      return look(life, life.facts.pendingPaymentIntentId);
    case 'payment_deadline':
      return giveUp(life);
    case 'shipment_overdue':
      return isGivenBack(life.facts)
        ? life.exceptions.raise(kind, 'All money of the order has gone back: cancel what has not shipped.', 'payments')
        : life.exceptions.raise(
            kind,
            `The order is ${life.facts.paymentState} and has not shipped in time.`,
            'warehouse',
          );
    case 'delivery_overdue':
      return life.exceptions.raise(kind, 'The parcels have not arrived in time.', 'warehouse');
  }
}

/** The policy of the order for a hold that nears its end. */
async function actOnHold(life: OrderLifecycle): Promise<unknown> {
  const { policy, hold } = life.facts;
  if (isGivenBack(life.facts)) return stopForRefund(life);
  const dispute = openDispute(life.facts);
  if (dispute !== undefined) {
    const message = `The card hold ends ${hold?.captureBefore ?? 'soon'} while ${dispute.disputeId} is open, so it is not renewed by itself: renew it, or cancel what has not shipped.`;
    return life.exceptions.raise('hold_decision', message, 'payments');
  }
  if (Date.now() >= Date.parse(life.facts.placedAt) + holdLimitMs(policy)) {
    const message = `The order was placed ${life.facts.placedAt} and has not shipped, so its card hold (until ${hold?.captureBefore ?? 'soon'}) is no longer renewed automatically: ship, renew it, capture it, or cancel the order.`;
    return life.exceptions.raise('hold_decision', message, 'payments');
  }
  if (policy.onHoldExpiring === 'reauthorize') return renewHold(life, 'reauthorization');
  if (policy.onHoldExpiring === 'releaseThenRetry') return releaseForAnother(life);
  if (policy.onHoldExpiring === 'capture') return captureAll(life);
  return life.exceptions.raise(
    'hold_decision',
    `The card hold ends ${hold?.captureBefore ?? 'soon'}: renew it, capture it, or cancel the order.`,
    'payments',
  );
}

/** No hold is open: authorize one, unless a person was asked and did not decide; then the customer is asked. */
async function authorizeAgain(life: OrderLifecycle): Promise<void> {
  if (isGivenBack(life.facts)) return stopForRefund(life);
  if (!isRaised(life.facts, 'hold_decision')) {
    return renewHold(life, life.facts.amounts.captured > 0 ? 'remainder' : 'reauthorization');
  }
  await askForPayment(life, { status: 'canceled', paymentIntentId: '', reason: 'expired' });
  await life.exceptions.resolve('hold_decision');
}

/** Asks Stripe about a payment; webhooks may have been lost. */
async function look(life: OrderLifecycle, paymentIntentId: string | undefined): Promise<void> {
  life.pollLater();
  if (paymentIntentId !== undefined) await syncPayment(life, paymentIntentId);
}

/** The customer did not renew the payment in time: one last look, then the order is cancelled and its stock released. */
async function giveUp(life: OrderLifecycle): Promise<void> {
  await look(life, life.facts.pendingPaymentIntentId);
  if (life.facts.paymentState !== 'payment_needed') return;
  const answer = await cancel(life, { reason: 'payment_not_renewed', actor: 'holdfast' });
  if (!answer.accepted) life.pause();
}

/** Tries the steps of unknown outcome again: first a capture, then a new hold, then a cancel. */
async function finishSteps(life: OrderLifecycle): Promise<void> {
  // First: each step that stays unfinished sets its own time.
  life.postponeRetry();
  const { capture: open, authorization, cancel: command } = life.unfinished;
  if (open !== undefined) await capture(life, open);
  if (authorization !== undefined && command === undefined) await renewHold(life, authorization.purpose);
  if (command !== undefined) await cancel(life, command);
}

/** Runs a command in its turn. One that fails on our own mistake or a refusal becomes a person's case; the next that succeeds closes it. */
function inTurn<T>(life: OrderLifecycle, name: string, work: () => Promise<T>): Promise<T | Refusal> {
  return life.inTurn<T | Refusal>(
    async () => {
      const answer = await work();
      if (!isRefused(answer)) await closeDefect(life, name);
      return answer;
    },
    () => refusal('unknown_order', `Order ${life.orderId} is not known.`),
    async (error) =>
      (await raiseDefect(life, name, error).catch(() => undefined)) ?? refusal('outcome_unknown', OUTCOME_UNKNOWN),
  );
}

function isRefused(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'accepted' in answer && answer.accepted === false;
}

/** A person's decision on an exception; also on that of a record that cannot be read, before anything is loaded. */
async function decideException(life: OrderLifecycle, command: ResolveCommand): ReturnType<typeof resolveByPerson> {
  const decided = await life.exceptions.decisions.take(command);
  return decided ?? inTurn(life, 'resolveException', () => resolveByPerson(life, command));
}

/** Follows a signal that something changed. A failure is only logged: the next step, or a timer, looks again. */
async function follow(life: OrderLifecycle, name: string, look: () => Promise<unknown>): Promise<void> {
  try {
    await inTurn(life, name, look);
  } catch (error) {
    log.warn('a change could not be followed', { orderId: life.orderId, step: name, error: String(error) });
  }
}

/** Shape only; what depends on the order is refused with a reason by the command itself. Synchronous, or it rejects nothing. */
function validateShipment(command: ShipCommand): void {
  const { lines } = command;
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > MAX_LINES)
    throw new TypeError(`lines must be 1 to ${MAX_LINES}`);
  for (const line of lines) {
    if (!Number.isInteger(line.quantity) || line.quantity < 1 || line.quantity > MAX_QUANTITY) {
      throw new TypeError(`quantity of ${line.sku} must be 1 to ${MAX_QUANTITY}`);
    }
  }
  if (new Set(lines.map((line) => line.sku)).size !== lines.length) throw new TypeError('a sku is named twice');
}
