import { afterSaleStories } from './stories';
import type { AfterSaleStory } from './stories';
import { changed, dropOnWrite, withoutKey } from '../order/bugs';
import type { Sabotage } from '../fault-world';
import type { Fault } from '../plan';

/** A mistake that somebody could make with what comes after a sale, and the case that must not let it pass. */
export interface AfterSaleBug {
  readonly name: string;
  readonly story: AfterSaleStory;
  readonly fault: Fault;
  /** Part of what must be said of it. */
  readonly caughtAs: RegExp;
  readonly sabotage: Sabotage;
}

const fault = (activity: string, mode: Fault['mode'], occurrence = 1): Fault => ({ activity, occurrence, mode });

export const afterSaleBugs: readonly AfterSaleBug[] = [
  {
    name: 'a refund sent again without a key, and without a look for the first',
    story: storyNamed('refund confirmed'),
    fault: fault('sendRefund', 'torn'),
    caughtAs: /2 refunds at the provider/,
    sabotage: { stripe: (stripe) => changed(withoutKey('refunds', 'create')(stripe), 'refunds', 'list', nothing) },
  },
  {
    name: 'a refund of unknown outcome that nobody is told of',
    story: storyNamed('refund confirmed'),
    fault: fault('sendRefund', 'lost-before'),
    caughtAs: /nobody is told/,
    sabotage: {
      activities: (all) => ({
        ...all,
        async flagRefund({ refundId }) {
          const refund = await all.loadRefund({ refundId });
          if (refund === null) throw new Error(`no refund ${refundId}`);
          return { refund, tell: false };
        },
      }),
    },
  },
  {
    name: 'a refund that came back and stays in the ledger as given',
    story: storyNamed('refund comes back'),
    fault: fault('syncRefund', 'fail-after', 3),
    caughtAs: /called refunded|refund_differs_from_ledger/,
    sabotage: { sql: dropOnWrite('ledger_entries', "NEW.kind = 'refund_reversed'", 'RETURN NULL') },
  },
  {
    name: 'the money of a dispute left out of the ledger',
    story: storyNamed('dispute accepted'),
    fault: fault('collectEvidence', 'fail-before'),
    caughtAs: /withdrawn by the provider/,
    sabotage: { sql: dropOnWrite('ledger_entries', "NEW.kind = 'dispute_withdrawn'", 'RETURN NULL') },
  },
  {
    name: 'a notice under a key of its own each time',
    story: storyNamed('trial converts'),
    fault: fault('followSubscription', 'twice', 2),
    caughtAs: /told \d+ times/,
    sabotage: {
      sql: dropOnWrite('notices', "TG_OP = 'INSERT'", 'NEW.notice_key := NEW.notice_key || gen_random_uuid()'),
    },
  },
  {
    name: 'a payment for a subscription without an idempotency key',
    story: storyNamed('won back by a new card'),
    fault: fault('paySubscription', 'fail-after'),
    caughtAs: /changed the outcome/,
    sabotage: { stripe: withoutKey('invoices', 'pay') },
  },
];

const nothing = (): unknown => Promise.resolve({ object: 'list', data: [], has_more: false });

function storyNamed(name: string): AfterSaleStory {
  const story = afterSaleStories.find((one) => one.name === name);
  if (story === undefined) throw new Error(`no story ${name}`);
  return story;
}
