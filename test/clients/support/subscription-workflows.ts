import { allHandlersFinished, condition, proxyLocalActivities, setHandler } from '@temporalio/workflow';
import {
  getSubscriptionStatus,
  paySubscription,
  type SubscriptionInput,
} from '../../../workflows/subscription/messages';

/** A stand-in under the real workflow's name. */

const { countRun } = proxyLocalActivities<{ countRun(what: string): Promise<number> }>({
  startToCloseTimeout: '10 s',
});

/** Does not know at first whether it was paid; ends where its id says so. */
export async function subscription({ subscriptionId, policy }: SubscriptionInput): Promise<void> {
  let answered = false;
  setHandler(getSubscriptionStatus, () => ({
    subscriptionId,
    stage: 'past_due',
    step: `standing in, ${policy.maxAttempts} tries`,
    waiting: null,
  }));
  setHandler(paySubscription, async ({ paymentMethod }) => {
    const run = await countRun(`${subscriptionId}:${paymentMethod}`);
    answered = true;
    if (paymentMethod === 'pm_unlucky' && run === 1) {
      return { accepted: false, reason: 'outcome_unknown', message: 'ask again' } as const;
    }
    return { accepted: true, outcome: 'paid', stage: 'active', entitled: run === 1 } as const;
  });
  await condition(() => answered && subscriptionId.includes('ends'));
  await condition(allHandlersFinished);
}
