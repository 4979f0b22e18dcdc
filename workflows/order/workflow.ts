import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { MAX_LINES, MAX_QUANTITY } from '../domain/shared/money';
import { nextDue } from '../domain/order/next-due';
import type { Due } from '../domain/order/next-due';
import { isTerminal } from '../domain/order/state';
import { holdLimitMs } from '../domain/shared/policy';
import { isGivenBack } from '../domain/order/order';
import { failureTypes } from '../domain/shared/errors';
import { cancelOrder, decideHold, deliverOrder, orderChanged, renewPayment, shipOrder } from './messages';
import { getStatus, resolveRaised } from '../kit/messages';
import { paymentChanged } from '../payment/messages';
import type { OrderInput } from './messages';
import type { Refusal, ShipCommand } from '../domain/order/commands';
import type { ResolveCommand } from '../kit/messages';
import { cancel, capture, captureAll, decide, deliver, renew, ship } from './commands';
import { OrderContext, records } from './lifecycle';
import { askForPayment, letReplacedHoldsGo, releaseForAnother, renewHold, stopForRefund, syncPayment } from './holds';
import { closeDefect, raiseDefect, resolveByPerson } from './exceptions';
import { insist } from '../kit/saga';
import { versioned } from '../kit/versioning';
import { failureTypeOf } from '../kit/failures';
import { openDispute } from '../domain/dispute/dispute';
import { isRaised } from '../domain/order/order';
import type { OrderFacts } from '../domain/order/order';

/*
 * An order's life, from placed to delivered or cancelled: it ships when it is told to, captures as it ships, keeps its card
 * hold alive, and watches its deadlines. All facts come from Postgres and are returned by every step; the workflow decides
 * what happens next, and one thing at a time.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), order);

/** How an order ended: its last state, or that no such order is recorded. */
export interface OrderEnd {
  readonly orderId: string;
  readonly state: string;
}

export async function order(input: OrderInput): Promise<OrderEnd> {
  const life = new OrderContext(input);
  setUp(life);
  return CancellationScope.nonCancellable(() => run(life));
}

/** Handlers come first: a command may arrive with the start, before anything is loaded. */
function setUp(life: OrderContext): void {
  setHandler(shipOrder, (command) => inTurn(life, 'ship', () => ship(life, command)), { validator: validateShipment });
  setHandler(cancelOrder, (command) => inTurn(life, 'cancel', () => cancel(life, command)));
  setHandler(deliverOrder, (command) => inTurn(life, 'deliver', () => deliver(life, command)));
  setHandler(renewPayment, ({ paymentMethod }) => inTurn(life, 'renewPayment', () => renew(life, paymentMethod)));
  setHandler(decideHold, (decision) => inTurn(life, 'decideHold', () => decide(life, decision)));
  setHandler(resolveRaised, (command) => decideException(life, command));
  setHandler(paymentChanged, ({ paymentIntentId }) => hint(life, paymentIntentId));
  setHandler(orderChanged, () => followChange(life));
  setHandler(getStatus, () => life.status());
  // An operator's cancel in the Temporal UI is a cancel of the order, with the same rules.
  void CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(() =>
      inTurn(life, 'cancel', () => cancel(life, { reason: 'cancelled_in_temporal', actor: 'operator' })),
    ),
  );
}

async function run(life: OrderContext): Promise<OrderEnd> {
  if (!(await load(life))) return { orderId: life.orderId, state: 'unknown' };
  while (!isDone(life)) {
    life.publish();
    if (workflowInfo().continueAsNewSuggested && life.queue.idle) await startAnew(life);
    const seen = life.version;
    const due = nextDue(life.facts, dueContext(life));
    const woken = await life.deadline.wait(
      () => life.version !== seen,
      due?.atMs,
      due === undefined ? '' : `Then ${due.then}`,
    );
    if (!woken && due !== undefined) await life.queue.run(() => act(life, due));
  }
  await condition(allHandlersFinished);
  life.publish();
  return { orderId: life.orderId, state: life.facts.state };
}

function dueContext(life: OrderContext): Parameters<typeof nextDue>[1] {
  const { letGoAtMs, letGoFailed, notBeforeMs, pollAtMs, settleAtMs } = life;
  return { letGoAtMs, letGoFailed, notBeforeMs, pollAtMs, ...(settleAtMs === undefined ? {} : { settleAtMs }) };
}

function isDone(life: OrderContext): boolean {
  const { state, supersededHolds } = life.facts;
  const isOwed = supersededHolds.length > 0 || life.letGoFailed || life.hasUnsettled();
  return isTerminal(state) && !isOwed && life.queue.idle;
}

async function load(life: OrderContext): Promise<boolean> {
  try {
    await insist(
      {
        name: 'load the order',
        exceptionKind: 'order_unreadable',
        atRisk: `order ${life.orderId} stands still until its record can be read.`,
        run: () => life.reload().catch(passUnknown),
      },
      life.desk,
    );
  } finally {
    life.loaded = true;
  }
  if (!life.exists) await condition(allHandlersFinished);
  return life.exists;
}

/** An order that is not recorded is an answer, not a failure. */
function passUnknown(error: unknown): undefined {
  if (failureTypeOf(error) !== failureTypes.notFound) throw error;
  return undefined;
}

/** What an order does by itself. A failure here is told and tried later; it never ends the workflow. */
async function act(life: OrderContext, due: Due): Promise<void> {
  try {
    // Facts may have changed while this waited its turn.
    if (nextDue(life.facts, dueContext(life))?.kind === due.kind) await actOn(life, due.kind);
    life.endFailures();
    await closeDefect(life, due.kind);
    const next = nextDue(life.facts, dueContext(life));
    // The same step again at once would spin: whatever keeps it from helping is given time.
    if (next?.kind === due.kind && next.atMs <= Date.now()) life.pause();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.error('a step of an order failed', { orderId: life.orderId, step: due.kind, error: String(error) });
    const isLasting = life.pauseAfterFailure();
    await raiseDefect(life, due.kind, error, isLasting).catch(() => undefined);
    // What is remembered may be out of date: a workflow task that is lost takes the memory of its local activities with it.
    await life.reload().catch(() => undefined);
  }
  life.version += 1;
}

async function actOn(life: OrderContext, kind: Due['kind']): Promise<unknown> {
  life.step = kind;
  switch (kind) {
    case 'settle':
      return settle(life);
    case 'let_go':
      return letReplacedHoldsGo(life);
    case 'capture_order':
    case 'capture_last':
      return captureAll(life);
    case 'authorize':
      return authorizeAgain(life);
    case 'warn_hold':
      return life.set(await warn(life));
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
        ? life.raise(kind, 'All money of the order has gone back: cancel what has not shipped.', 'payments')
        : life.raise(kind, `The order is ${life.facts.paymentState} and has not shipped in time.`, 'warehouse');
    case 'delivery_overdue':
      return life.raise(kind, 'The parcels have not arrived in time.', 'warehouse');
  }
}

async function warn(life: OrderContext): Promise<OrderFacts> {
  return records.warnOfHold({ orderId: life.orderId });
}

/** The policy of the order for a hold that nears its end. */
async function actOnHold(life: OrderContext): Promise<unknown> {
  const { policy, hold } = life.facts;
  if (isGivenBack(life.facts)) return stopForRefund(life);
  const dispute = openDispute(life.facts);
  if (dispute !== undefined) {
    const message = `The card hold ends ${hold?.captureBefore ?? 'soon'} while ${dispute.disputeId} is open, so it is not renewed by itself: renew it, or cancel what has not shipped.`;
    return life.raise('hold_decision', message, 'payments');
  }
  if (Date.now() >= Date.parse(life.facts.placedAt) + holdLimitMs(policy)) {
    const message = `The order was placed ${life.facts.placedAt} and has not shipped, so its card hold (until ${hold?.captureBefore ?? 'soon'}) is not renewed by itself any more: ship, renew it, capture it, or cancel the order.`;
    return life.raise('hold_decision', message, 'payments');
  }
  if (policy.onHoldExpiring === 'reauthorize') return renewHold(life, 'reauthorization');
  if (policy.onHoldExpiring === 'releaseThenRetry') return releaseForAnother(life);
  if (policy.onHoldExpiring === 'capture') return captureAll(life);
  return life.raise(
    'hold_decision',
    `The card hold ends ${hold?.captureBefore ?? 'soon'}: renew it, capture it, or cancel the order.`,
    'payments',
  );
}

/** No hold is open: get one, unless a person was asked what to do and said nothing; then it is the customer's move. */
async function authorizeAgain(life: OrderContext): Promise<void> {
  if (isGivenBack(life.facts)) return stopForRefund(life);
  if (!isRaised(life.facts, 'hold_decision')) {
    return renewHold(life, life.facts.amounts.captured > 0 ? 'remainder' : 'reauthorization');
  }
  await askForPayment(life, { status: 'canceled', paymentIntentId: '', reason: 'expired' });
  await life.resolve('hold_decision');
}

/** Asks Stripe about a payment; webhooks may have been lost. */
async function look(life: OrderContext, paymentIntentId: string | undefined): Promise<void> {
  life.pollLater();
  if (paymentIntentId !== undefined) await syncPayment(life, paymentIntentId);
}

/** The customer did not renew the payment in time: one last look, then the order is cancelled and its stock released. */
async function giveUp(life: OrderContext): Promise<void> {
  await look(life, life.facts.pendingPaymentIntentId);
  if (life.facts.paymentState !== 'payment_needed') return;
  const answer = await cancel(life, { reason: 'payment_not_renewed', actor: 'holdfast' });
  if (!answer.accepted) life.pause();
}

/** Tries again what is not settled: first money that was taken, then money that is held, then what is to be let go. */
async function settle(life: OrderContext): Promise<void> {
  // Before the steps: each says itself when it is tried again.
  life.postponeSettling();
  const { capture: open, authorization, cancel: command } = life.unsettled;
  if (open !== undefined) await capture(life, open);
  if (authorization !== undefined && command === undefined) await renewHold(life, authorization.purpose);
  if (command !== undefined) await cancel(life, command);
}

/**
 * Hazard: every `await` lets another command in. Commands and automatic steps therefore run one after another, and each
 * looks at the facts only once it is its turn.
 */
async function inTurn<T>(life: OrderContext, name: string, work: () => Promise<T>): Promise<T | Refusal> {
  await condition(() => life.loaded);
  if (!life.exists) return life.refusal('unknown_order', `Order ${life.orderId} is not known.`);
  try {
    return await life.queue.run(async () => {
      const answer = await work();
      if (!isRefused(answer)) await closeDefect(life, name);
      return answer;
    });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure || error instanceof ApplicationFailure))
      throw error;
    const refusal = await raiseDefect(life, name, error).catch(() => undefined);
    if (refusal !== undefined) return refusal;
    log.error('a command could not be recorded', { orderId: life.orderId, step: life.step, error: String(error) });
    return life.refusal('outcome_unknown', 'It is not known whether this was recorded; send the same again to ask.');
  } finally {
    life.version += 1;
  }
}

function isRefused(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'accepted' in answer && answer.accepted === false;
}

/** A person's decision on an exception; on a record that cannot be read, too, which nothing else gets past. */
async function decideException(life: OrderContext, command: ResolveCommand): ReturnType<typeof resolveByPerson> {
  const taken = await life.desk.decisions.take(command);
  return taken ?? inTurn(life, 'resolveException', () => resolveByPerson(life, command));
}

/** A webhook's hint: look at the payment; what fails here is found by the timers later. */
async function hint(life: OrderContext, paymentIntentId: string): Promise<void> {
  try {
    await inTurn(life, 'syncPayment', () => syncPayment(life, paymentIntentId));
  } catch (error) {
    log.warn('a hint could not be followed', { orderId: life.orderId, paymentIntentId, error: String(error) });
  }
}

/** A refund or a dispute changed the record. What cannot be read now is read by the next step. */
async function followChange(life: OrderContext): Promise<void> {
  try {
    await inTurn(life, 'reload', () => life.reload());
  } catch (error) {
    log.warn('a change of the record could not be followed', { orderId: life.orderId, error: String(error) });
  }
}

async function startAnew(life: OrderContext): Promise<never> {
  await condition(allHandlersFinished);
  const { orderId, unsettled, letGoFailed, refusedCaptures } = life;
  return continueAsNew<typeof order>({
    ...{ orderId, unsettled, ...(letGoFailed && { letGoFailed }) },
    ...(refusedCaptures.length > 0 && { refusedCaptures }),
  });
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
