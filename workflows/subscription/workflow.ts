import {
  CancellationScope,
  continueAsNew,
  currentUpdateInfo,
  isCancellation,
  log,
  setHandler,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { mustEnd } from '../domain/dunning/rules';
import { failureTypes } from '../domain/shared/errors';
import { operationKeys } from '../domain/shared/operation-keys';
import { refusal } from '../kit/answers';
import { failureMessageOf, failureTypeOf, isDefect } from '../kit/failures';
import { live } from '../kit/lifecycle';
import { end, follow, payNow, SubscriptionLifecycle } from './lifecycle';
import { getSubscriptionStatus, paySubscription, subscriptionChanged } from './messages';
import type { PayAnswer, PayCommand, SubscriptionInput } from './messages';
import { versioned } from '../kit/versioning';

/*
 * A subscription as long as it lasts. The workflow sleeps until something is due (a notice, the result of a try, a period's
 * end) or a hint comes, and then looks at the provider afresh. Every look records what is new and queues the notices that are
 * due in one activity, so losing every webhook ends in the same state, only later.
 *
 * Each wake costs six history events. So whoever learns of a change records it, and wakes this workflow only where the
 * workflow would do something else knowing of it. Rejected: a workflow woken by each event; a cycle of eight tries had 200 events.
 */
setWorkflowOptions(() => versioned('AUTO_UPGRADE'), subscription);

/** How it ended: the last stage, that no such subscription is known, or that an operator ended the workflow. */
export interface SubscriptionEnd {
  readonly subscriptionId: string;
  readonly state: string;
}

export async function subscription(input: SubscriptionInput): Promise<SubscriptionEnd> {
  const life = new SubscriptionLifecycle(input);
  setHandler(subscriptionChanged, () => life.hint());
  setHandler(paySubscription, (command) => inTurn(life, command), { validator: validatePayment });
  setHandler(getSubscriptionStatus, () => life.status());
  // An operator's cancel in the Temporal UI ends this workflow, not the subscription. The next change starts it anew.
  void CancellationScope.current().cancelRequested.catch(() => {
    life.isStopped = true;
  });
  return CancellationScope.nonCancellable(() => run(life));
}

async function run(life: SubscriptionLifecycle): Promise<SubscriptionEnd> {
  if (!life.isStopped) await life.queue.run(() => look(life));
  life.loaded = true;
  await live(life, {
    act: () => look(life),
    continueAnew: () => continueAsNew<typeof subscription>(life.next()),
  });
  const state = life.isStopped ? 'not_followed' : (life.subscription?.stage ?? 'unknown');
  return { subscriptionId: life.subscriptionId, state };
}

/** What fails here permanently becomes a person's case and is tried again; it never ends the workflow. */
async function look(life: SubscriptionLifecycle): Promise<void> {
  life.isHinted = false;
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
    if (failureTypeOf(error) === failureTypes.notFound && life.subscription === undefined) {
      life.isUnknown = true;
      return;
    }
    log.error('a look at a subscription failed', { subscriptionId: life.subscriptionId, error: String(error) });
    await life.lookLater(doing).catch((failure: unknown) => {
      // The search attribute shows it still; the next looks go on.
      log.error('an exception could not be recorded', { error: String(failure) });
    });
  }
}

async function pay(life: SubscriptionLifecycle, { paymentMethod }: PayCommand): Promise<PayAnswer> {
  life.step = 'paying with a new payment method';
  const attemptKey = operationKeys.paySubscription(
    life.subscriptionId,
    currentUpdateInfo()?.id ?? workflowInfo().runId,
  );
  try {
    const result = await payNow(life, paymentMethod, attemptKey);
    if (result.outcome === 'refused') {
      // It has ended, and no event said so.
      if (result.reason === 'canceled') life.hint();
      return refusalFor(result.reason);
    }
    const { follow, ...paid } = result;
    await life.set(follow);
    if (paid.outcome === 'declined' || paid.outcome === 'requires_action') return { accepted: true, ...paid };
    const { stage, entitled } = follow.facts;
    return { accepted: true, outcome: paid.outcome, stage, entitled };
  } catch (error) {
    if (failureTypeOf(error) === failureTypes.notFound) return unknownSubscription(life);
    if (failureTypeOf(error) === failureTypes.refused) return refusal('payment_refused', failureMessageOf(error));
    throw error;
  } finally {
    life.step = 'waiting';
  }
}

function inTurn(life: SubscriptionLifecycle, command: PayCommand): Promise<PayAnswer> {
  return life.inTurn<PayAnswer>(
    () => pay(life, command),
    () => unknownSubscription(life),
    async (error) => {
      // A mistake of our own fails again and again: a person gets a case.
      if (isDefect(error)) await life.lookLater('take a payment with another payment method').catch(() => undefined);
      else life.hint();
      return refusal('outcome_unknown', 'It is not known whether this was paid; send the same again to ask.');
    },
  );
}

function unknownSubscription({ subscriptionId }: SubscriptionLifecycle): PayAnswer {
  return refusal('unknown_subscription', `Subscription ${subscriptionId} is not known.`);
}

function refusalFor(reason: 'canceled' | 'unknown_payment_method'): PayAnswer {
  return reason === 'canceled'
    ? refusal('subscription_canceled', 'The subscription has ended; a new one is needed.')
    : refusal('unknown_payment_method', 'The payment method is unknown, used up or another customer’s.');
}

/** Shape only; what depends on the subscription is refused with a reason. Synchronous, or it rejects nothing. */
function validatePayment(command: PayCommand): void {
  if (typeof command?.paymentMethod !== 'string' || command.paymentMethod === '') {
    throw new TypeError('paymentMethod must be the id of a payment method');
  }
}
