import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  currentUpdateInfo,
  isCancellation,
  log,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { mustEnd } from '../domain/dunning/rules';
import { failureKind, failureTypes } from '../domain/shared/errors';
import { operationKeys } from '../domain/shared/operation-keys';
import { failureMessageOf, failureTypeOf } from '../kit/failures';
import { end, follow, payNow, SubscriptionLifecycle } from './lifecycle';
import { getSubscriptionStatus, paySubscription, subscriptionChanged } from './messages';
import type { PayAnswer, PayCommand, PayRefusalReason, SubscriptionInput } from './messages';
import { versioned } from '../kit/versioning';

/*
 * A subscription's life as long as it lasts: it sleeps until something is due (a notice, the result of a try, a period's end)
 * or until it is told of a change, and then looks at the provider afresh. Every look records what is new and queues what is to
 * be said in one activity, so losing every webhook comes to the same, only later.
 *
 * Each wake costs six history events. So whoever hears of a change records it by himself and wakes this workflow only where it
 * would do something else if it knew; a workflow woken by each event of a cycle of eight tries was rejected: 200 events.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), subscription);

/** How it ended: the last stage, that no such subscription is known, or that an operator ended the following. */
export interface SubscriptionEnd {
  readonly subscriptionId: string;
  readonly state: string;
}

export async function subscription(input: SubscriptionInput): Promise<SubscriptionEnd> {
  const life = new SubscriptionLifecycle(input);
  setUp(life);
  return CancellationScope.nonCancellable(() => run(life));
}

/** Handlers come first: a customer may pay with the start, before anything is looked at. */
function setUp(life: SubscriptionLifecycle): void {
  setHandler(subscriptionChanged, () => {
    // Several hints that come together are one look.
    life.wantsLook = true;
  });
  setHandler(paySubscription, (command) => inTurn(life, () => pay(life, command)), { validator: validatePayment });
  setHandler(getSubscriptionStatus, () => life.status());
  // An operator's cancel in the Temporal UI ends the following, not the subscription. The next news of it starts it anew.
  void CancellationScope.current().cancelRequested.catch(() => {
    life.stopped = true;
  });
}

async function run(life: SubscriptionLifecycle): Promise<SubscriptionEnd> {
  for (;;) {
    if (life.wantsLook && !life.stopped) await life.queue.run(() => look(life));
    life.loaded = true;
    life.publish();
    // Hazard: what has stopped and still pays must be waited for here; the wait below would return at once, for ever.
    if (life.stopped) await condition(() => life.queue.idle);
    if (life.isDone) break;
    if (workflowInfo().continueAsNewSuggested && life.queue.idle) await startAnew(life);
    const { version, due } = life;
    const isNews = () => life.wantsLook || life.stopped || life.version !== version;
    const woken = await life.deadline.wait(isNews, due?.atMs, due === undefined ? '' : `Look ${due.why}`);
    if (!woken) life.wantsLook = true;
  }
  await condition(allHandlersFinished);
  const state = life.stopped ? 'not_followed' : (life.facts?.stage ?? 'unknown');
  return { subscriptionId: life.subscriptionId, state };
}

/** What fails here for good is told to a person and tried again; it never ends the workflow. */
async function look(life: SubscriptionLifecycle): Promise<void> {
  life.wantsLook = false;
  let doing = 'look at it';
  try {
    life.step = 'looking at the subscription';
    const result = await follow(life);
    await life.set(result);
    if (mustEnd(result.facts, life.input.policy)) {
      doing = 'end it at the provider';
      life.step = 'ending the subscription';
      await life.set(await end(life));
    }
    life.step = 'waiting';
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (failureTypeOf(error) === failureTypes.notFound && life.facts === undefined) {
      life.unknown = true;
      return;
    }
    log.error('a look at a subscription failed', { subscriptionId: life.subscriptionId, error: String(error) });
    await life.trouble(doing).catch((failure: unknown) => {
      // The search attribute shows it still; it goes on being tried.
      log.error('an exception could not be recorded', { error: String(failure) });
    });
  }
}

/**
 * Hazard: every `await` lets another request in. Payments and looks therefore run one after another, and the first look comes
 * before all of them.
 */
async function inTurn(life: SubscriptionLifecycle, work: () => Promise<PayAnswer>): Promise<PayAnswer> {
  await condition(() => life.loaded);
  if (life.unknown) return refusal('unknown_subscription', `Subscription ${life.subscriptionId} is not known.`);
  return life.queue.run(work);
}

async function pay(life: SubscriptionLifecycle, { paymentMethod }: PayCommand): Promise<PayAnswer> {
  const { subscriptionId } = life;
  life.step = 'paying with a new payment method';
  const attemptKey = operationKeys.paySubscription(subscriptionId, currentUpdateInfo()?.id ?? workflowInfo().runId);
  try {
    const result = await payNow(life, paymentMethod, attemptKey);
    if (result.outcome === 'refused') {
      // Ended, and nobody told.
      if (result.reason === 'canceled') life.wantsLook = true;
      return refusalFor(result.reason);
    }
    await life.set(result.follow);
    if (result.outcome === 'declined') {
      return { accepted: true, outcome: 'declined', declineCode: result.declineCode };
    }
    if (result.outcome === 'requires_action') {
      return { accepted: true, outcome: 'requires_action', clientSecret: result.clientSecret };
    }
    const { stage, entitled } = result.follow.facts;
    return { accepted: true, outcome: result.outcome, stage, entitled };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (failureTypeOf(error) === failureTypes.notFound) {
      return refusal('unknown_subscription', `Subscription ${subscriptionId} is not known.`);
    }
    if (failureTypeOf(error) === failureTypes.refused) return refusal('payment_refused', failureMessageOf(error));
    log.error('a payment for a subscription has no known outcome', { subscriptionId, error: String(error) });
    if (failureKind(failureTypeOf(error)) === 'defect') {
      // A mistake of our own fails again and again: a person gets a case.
      await life.trouble('take a payment with another payment method').catch(() => undefined);
    } else life.wantsLook = true;
    return refusal('outcome_unknown', 'It is not known whether this was paid; send the same again to ask.');
  } finally {
    life.step = 'waiting';
  }
}

function refusalFor(reason: 'canceled' | 'unknown_payment_method'): PayAnswer {
  return reason === 'canceled'
    ? refusal('subscription_canceled', 'The subscription has ended; a new one is needed.')
    : refusal('unknown_payment_method', 'The payment method is unknown, used up or another customer’s.');
}

function refusal(reason: PayRefusalReason, message: string): PayAnswer {
  return { accepted: false, reason, message };
}

async function startAnew(life: SubscriptionLifecycle): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<typeof subscription>(life.next());
}

/** Shape only; what depends on the subscription is refused with a reason. Synchronous, or it rejects nothing. */
function validatePayment(command: PayCommand): void {
  if (typeof command?.paymentMethod !== 'string' || command.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
