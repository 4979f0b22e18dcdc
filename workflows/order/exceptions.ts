import { isCancellation, log } from '@temporalio/workflow';
import { failureKind, failureTypes, type FailureKind } from '../domain/shared/errors';
import type { Money } from '../domain/shared/money';
import { isRaised, type OrderFacts } from '../domain/order/order';
import { owedAmount } from '../domain/order/owed';
import { remainingAmount } from '../domain/order/shipment-amount';
import type { ResolutionAction } from '../domain/exception/actions';
import { refusal } from '../kit/answers';
import { defectMessage, failureMessageOf, failureTypeOf, isLasting, refusedMessage } from '../kit/failures';
import type { CommandAnswer, Refusal } from '../domain/order/commands';
import type { ResolveCommand } from '../kit/messages';
import { cancel, capture } from './commands';
import { records, type OrderLifecycle } from './lifecycle';
import { voidReplacedHolds, renewHold, syncPayment, voidUnseen } from './holds';

/*
 * Exceptions of an order: a person decides on a step that failed, and a mistake of our own gets an owner.
 */

/** Carries out a person's decision on an exception. */
export async function resolveByPerson(
  life: OrderLifecycle,
  command: ResolveCommand,
): Promise<CommandAnswer<{ readonly action: ResolutionAction }>> {
  const { kind, action } = command;
  if (!isRaised(life.facts, kind)) {
    return refusal('nothing_to_resolve', `No exception of the kind ${kind} is open.`);
  }
  const work = workFor(life, command);
  if (work === undefined) return refusal('action_not_possible', `${action} is not possible for ${kind}.`);
  life.step = `${action}: ${kind}`;
  await life.exceptions.decided(command);
  const answer = await work();
  if (!isRaised(life.facts, kind)) return { accepted: true, action };
  if (typeof answer === 'string' && kind === 'void_failed') return refusal('outcome_unknown', answer);
  return refusal('outcome_unknown', 'It was tried again and has not succeeded; the exception stays open.');
}

function workFor(life: OrderLifecycle, { kind, action }: ResolveCommand): (() => Promise<unknown>) | undefined {
  const { capture: open, cancel: cancelling, authorization } = life.unfinished;
  const close = (): Promise<void> => life.exceptions.resolve(kind);
  switch (`${kind} ${action}` as const) {
    case 'capture_unknown retry':
      return open === undefined ? close : () => capture(life, open);
    case 'capture_unknown give_up':
      return open === undefined ? close : () => giveUpCapture(life, open.paymentIntentId);
    case 'cancel_unknown retry':
      return cancelling === undefined ? close : () => cancel(life, cancelling);
    case 'cancel_unknown give_up':
      return () => giveUpCancel(life);
    case 'reauthorization_unknown retry':
      return authorization === undefined ? close : () => renewHold(life, authorization.purpose);
    case 'void_failed retry':
      return () => voidAgain(life);
    case 'capture_refused dismiss':
      return async () => {
        await close();
        life.refusedCaptures = [];
      };
    case 'void_failed dismiss':
    case 'external_capture dismiss':
    case 'step_failed dismiss':
      return close;
    default:
      return undefined;
  }
}

/** Voids replaced holds, and those that count as released though Stripe did not know them. @returns why the case stays open */
async function voidAgain(life: OrderLifecycle): Promise<string | undefined> {
  await voidReplacedHolds(life);
  if (life.voidFailed) return undefined;
  try {
    const unseen = await voidUnseen(life);
    if (unseen.length > 0)
      return `Stripe still does not know ${unseen.join(', ')}: check that the secret key is of the account and mode that made it. The exception stays open.`;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('a hold could not be voided yet', { orderId: life.orderId, error: String(error) });
    return undefined;
  }
  await life.exceptions.resolve('void_failed');
  return undefined;
}

/** Gives a capture up: its key is sealed, and what it captured is booked as money that is for no parcel yet. */
async function giveUpCapture(life: OrderLifecycle, paymentIntentId: string): Promise<void> {
  // A PaymentIntent that the provider does not show cannot be booked: the capture stays under way until it can.
  if (!(await isSeen(life, paymentIntentId))) return;
  life.set(await records.abandonCapture({ orderId: life.orderId, paymentIntentId }));
  await syncPayment(life, paymentIntentId);
  await life.conclude('capture', 'capture_unknown');
}

async function isSeen(life: OrderLifecycle, paymentIntentId: string): Promise<boolean> {
  try {
    return (await syncPayment(life, paymentIntentId)).status !== 'none';
  } catch (error) {
    if (failureTypeOf(error) !== failureTypes.refused) throw error;
    return false;
  }
}

/** The order goes on with its hold, unless the cancel has voided it without an answer. */
async function giveUpCancel(life: OrderLifecycle): Promise<void> {
  life.set(await records.reopenHold({ orderId: life.orderId }));
  const { hold } = life.facts;
  if (hold !== undefined) await syncPayment(life, hold.paymentIntentId);
  await life.exceptions.resolve('cancel_unknown');
  life.finish('cancel');
}

/**
 * A step failed. Where the same request would fail again, a person gets a case, and the caller reads that in place of being asked
 * to retry. Undefined where the failure may pass.
 * @param isOften steps failed so often that an order without a hold needs a person, whatever the kind of the failure
 */
export async function raiseDefect(
  life: OrderLifecycle,
  step: string,
  error: unknown,
  isOften = false,
): Promise<Refusal | undefined> {
  const type = failureTypeOf(error);
  const kind = failureKind(type);
  const isHopeless = type !== failureTypes.undone && isLasting(error);
  if (!isHopeless && !(isOften && isUnpaid(life.facts))) return undefined;
  const isOurs = kind === 'defect';
  const owner = kind === 'refusal' ? 'payments' : 'operations';
  const message = failedMessage(kind, step, error);
  await life.exceptions.raise('step_failed', message, owner, openMoney(life.facts));
  life.failedStep = step;
  if (isOurs) return refusal('needs_person', 'This failed on a mistake of Holdfast itself; a person was notified.');
  return refusal('needs_person', `${message}. A person was notified.`);
}

function failedMessage(kind: FailureKind, step: string, error: unknown): string {
  if (kind === 'defect') return defectMessage(`Nothing was recorded: ${step}`, error);
  if (kind === 'refusal') return refusedMessage(step, error);
  return `No card hold is open, and ${step} fails again and again; it is being tried on: ${failureMessageOf(error)}`;
}

/** Is no card held for what is left to ship, and the customer not asked for a payment? */
function isUnpaid(facts: OrderFacts): boolean {
  return facts.hold === undefined && facts.paymentState !== 'payment_needed' && owedAmount(facts) > 0;
}

/** The money at risk: the price of what has not shipped; undefined where all has. */
function openMoney(facts: OrderFacts): Money | undefined {
  const amount = remainingAmount(facts);
  return amount > 0 ? { amount, currency: facts.currency } : undefined;
}

/** Closes the exception of a failed step once that step succeeds. */
export async function closeDefect(life: OrderLifecycle, step: string): Promise<void> {
  if (life.failedStep !== step) return;
  if (isRaised(life.facts, 'step_failed')) await life.exceptions.resolve('step_failed');
  life.failedStep = undefined;
}
