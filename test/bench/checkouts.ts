import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import { checkoutRequest } from '../../clients/schemas/orders';
import { checkoutStart } from '../../workflows/checkout/start';
import { newOrderId, submissionOf } from '../../clients/client/requests';
import { startLoop } from '../../workers/processes/loop';
import { DEFAULT_POLICY } from '../../workflows/domain/shared/policy';
import { submitCheckout } from '../../workflows/checkout/messages';
import { answerLater } from './designs';
import type { Design } from './designs';
import { cpuSince, cpuTimes } from './cpu';
import { closedLoop } from './load';
import type { Contender, Sample } from './load';
import { handedOver, oneItemCart, place } from './shop';
import { STORY, storyContender } from './story';
import type { Shop } from './shop';

type Stop = () => Promise<unknown>;

/**
 * The checkout and what it is compared with. `alone`: relays and webhooks rest while it is measured, so that nothing but
 * checkouts runs; the orders are handed over before the next contender's turn. `and handover`: everything runs, and the load ends when
 * every order is with its own workflow.
 */
export function checkoutContenders(shop: Shop): Contender[] {
  return [
    {
      name: CHECKOUT,
      run: aloneAnd(shop, (count, inFlight) => closedLoop(count, inFlight, () => place(shop.holdfast))),
    },
    {
      name: CHECKOUT_AND_HANDOVER,
      run: handingOver(shop, (count, inFlight) => closedLoop(count, inFlight, () => place(shop.holdfast))),
    },
    storyContender(shop, STORY),
    bare(shop, REGULAR, 'threeRegular'),
    bareAnswered(shop, REGULAR_ANSWERED, 'threeRegularAnswered'),
    bare(shop, LOCAL, 'threeLocal'),
    bareAnswered(shop, LOCAL_ANSWERED, 'threeLocalAnswered'),
  ];
}

export const CHECKOUT = 'checkout, alone';
export const CHECKOUT_AND_HANDOVER = 'checkout, and its order handed over';
export const REGULAR = 'bare, three regular activities';
export const REGULAR_ANSWERED = 'bare, three regular, answered by update-with-start';
export const LOCAL = 'bare, three local activities';
export const LOCAL_ANSWERED = 'bare, three local, answered by update-with-start';

/** The same steps built in other ways, each beside the product's way in the same bare form. */
export function designContenders(shop: Shop): Contender[] {
  const alone = (name: string, design: Design): Contender => ({
    name,
    run: aloneAnd(shop, (count, inFlight) => closedLoop(count, inFlight, () => designed(shop, design))),
  });
  const baseline: Design = { storage: 'local', bank: 'regular', order: 'outbox' };
  return [
    alone(AS_CHOSEN, baseline),
    alone('storage as regular activities too', { ...baseline, storage: 'regular' }),
    alone('the bank asked without eager dispatch', { ...baseline, bank: 'notEager' }),
    alone('the bank asked in a local activity, as the product does first', { ...baseline, bank: 'local' }),
    {
      name: AS_CHOSEN_HANDED_OVER,
      run: handingOver(shop, (count, inFlight) => closedLoop(count, inFlight, () => designed(shop, baseline))),
    },
    {
      name: AS_CHILD,
      run: handingOver(
        shop,
        (count, inFlight) => closedLoop(count, inFlight, () => designed(shop, { ...baseline, order: 'child' })),
        () => sweepOutbox(shop),
      ),
    },
  ];
}

export const AS_CHOSEN = 'baseline: the bank asked in a regular activity, storage local';
export const AS_CHOSEN_HANDED_OVER = 'baseline, and the order handed over by the outbox';
export const AS_CHILD = 'order started as a child workflow, handed over';

type Measure = (count: number, inFlight: number) => Promise<Sample>;

function aloneAnd(shop: Shop, measure: Measure): Measure {
  return async (count, inFlight) => {
    shop.deliverWebhooks(false);
    const sample = await measure(count, inFlight);
    shop.deliverWebhooks(true);
    const relays = shop.relays();
    await handedOver(shop);
    await relays.stop();
    return sample;
  };
}

function handingOver(shop: Shop, measure: Measure, start: () => Stop = () => startRelays(shop)): Measure {
  return async (count, inFlight) => {
    const stop = start();
    const usedBefore = cpuTimes();
    const startedAt = performance.now();
    const { latenciesMs } = await measure(count, inFlight);
    await handedOver(shop);
    const elapsedMs = performance.now() - startedAt;
    const cpu = cpuSince(usedBefore);
    await stop();
    return { latenciesMs, elapsedMs, cpu };
  };
}

function startRelays(shop: Shop): Stop {
  const relays = shop.relays();
  return () => relays.stop();
}

/** In place of the relay where orders are started otherwise: publishes the events and starts nothing. */
function sweepOutbox({ dependencies: { outbox }, log }: Shop): Stop {
  const round = async (): Promise<number> => {
    const events = await outbox.claimUnpublished(50, 30_000);
    if (events.length > 0) await outbox.markPublished(events.map((event) => event.eventId));
    return events.length;
  };
  const loop = startLoop('outbox sweeper', round, { idleMs: 20, log });
  return () => loop.stop();
}

/** Started, and its result awaited, on the worker's own connection with an eager first task: the best that it can have. */
function bare(shop: Shop, name: string, type: string): Contender {
  const request = (): Promise<unknown> =>
    shop.client.workflow.execute(type, {
      workflowId: `${type}-${randomUUID()}`,
      taskQueue: shop.settings.taskQueue,
      requestEagerStart: true,
    });
  return { name, run: (count, inFlight) => closedLoop(count, inFlight, request) };
}

/** Called like a checkout. */
function bareAnswered(shop: Shop, name: string, type: string): Contender {
  const request = (): Promise<unknown> =>
    shop.client.workflow.executeUpdateWithStart(answerLater, {
      startWorkflowOperation: new WithStartWorkflowOperation(type, {
        workflowId: `${type}-${randomUUID()}`,
        taskQueue: shop.settings.taskQueue,
        workflowIdConflictPolicy: 'FAIL',
      }),
    });
  return { name, run: (count, inFlight) => closedLoop(count, inFlight, request) };
}

async function designed(shop: Shop, design: Design): Promise<void> {
  const submission = submissionOf(checkoutRequest.parse(oneItemCart()), DEFAULT_POLICY);
  const { args, ...start } = checkoutStart(newOrderId(), submission, shop.settings.taskQueue);
  const answer = await shop.client.workflow.executeUpdateWithStart(submitCheckout, {
    args: [submission],
    startWorkflowOperation: new WithStartWorkflowOperation('designedCheckout', {
      ...start,
      args: [...(args ?? []), design],
    }),
  });
  if (answer.state !== 'placed') throw new Error(`A checkout was not placed: ${JSON.stringify(answer)}`);
}
