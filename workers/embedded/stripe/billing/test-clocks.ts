import type { Account } from '../state/account';
import { noSuch, refused } from '../http/errors';
import { listPage } from '../http/lists';
import { CLOCK_CAUSE } from '../state/model';
import { route } from '../http/request';
import { store } from '../http/resource';
import { expand, paging } from '../state/shapes';
import { nextBoundary } from './calendar';
import type { StoredTestClock } from './model';
import { subscriptions, testClocks } from './resources';
import { testClockAdvance, testClockCreate } from './shapes';
import { queueOf } from './time';

/** Stripe deletes test clocks after 30 days. */
const LIFETIME_SECONDS = 30 * 86_400;

export const testClockRoutes = [
  route('POST', '/v1/test_helpers/test_clocks', testClockCreate, ({ account, params, cause }) => {
    const created = account.clock.nowSeconds();
    const clock = store(account, testClocks, {
      id: account.newId('clock'),
      object: {
        id: '',
        object: 'test_helpers.test_clock',
        created,
        deletes_after: created + LIFETIME_SECONDS,
        frozen_time: params.frozen_time,
        livemode: false,
        name: params.name ?? null,
        status: 'ready',
        status_details: {},
      },
      deleted: false,
    });
    clock.object.id = clock.id;
    account.log.emit('test_helpers.test_clock.created', clock.object, cause);
    return clock.object;
  }),
  route(
    'GET',
    '/v1/test_helpers/test_clocks/:id',
    expand,
    ({ account, ids: [id = ''] }) => findTestClock(account, id, 'test_clock', 404).object,
  ),
  route('GET', '/v1/test_helpers/test_clocks', paging, ({ account, params }) =>
    listPage(account.of(testClocks), params, {
      url: '/v1/test_helpers/test_clocks',
      created: ({ object }) => object.created,
      where: ({ deleted }) => !deleted,
      render: ({ object }) => object,
    }),
  ),
  route('POST', '/v1/test_helpers/test_clocks/:id/advance', testClockAdvance, ({ account, ids, params, cause }) => {
    const clock = findTestClock(account, ids[0] ?? '', 'test_clock', 404);
    assertMayAdvance(account, clock, params.frozen_time);
    clock.object.status = 'advancing';
    clock.object.status_details = { advancing: { target_frozen_time: params.frozen_time } };
    account.log.emit('test_helpers.test_clock.advancing', clock.object, cause);
    resumeTestClock(account, clock);
    return clock.object;
  }),
  route('DELETE', '/v1/test_helpers/test_clocks/:id', {}, ({ account, ids: [id = ''], cause }) => {
    const clock = findTestClock(account, id, 'test_clock', 404);
    clock.deleted = true;
    queueOf(clock).clear();
    account.log.emit('test_helpers.test_clock.deleted', clock.object, cause);
    return { id, object: 'test_helpers.test_clock', deleted: true };
  }),
];

/** The test clock, or Stripe's error: 404 where its id is in the path, 400 where it is in a parameter. */
export function findTestClock(account: Account, id: string, param: string, status: 400 | 404): StoredTestClock {
  const clock = account.of(testClocks).get(id);
  if (clock === undefined || clock.deleted) throw noSuch('testclock', id, param, status);
  return clock;
}

/** Continues an advance, which runs after its request was answered, as at Stripe, and survives a restart. */
export function resumeTestClock(account: Account, clock: StoredTestClock): void {
  if (clock.deleted || clock.object.status !== 'advancing') return;
  account.clock.at(account.clock.now(), () => advance(account, clock));
}

function advance(account: Account, clock: StoredTestClock): void {
  const { object } = clock;
  const target = object.status_details.advancing?.target_frozen_time ?? object.frozen_time;
  const queue = queueOf(clock);
  for (let next = queue.take(target * 1000); next !== undefined; next = queue.take(target * 1000)) {
    object.frozen_time = Math.max(object.frozen_time, Math.floor(next.dueMs / 1000));
    account.clock.standingAt(Math.max(next.dueMs, object.frozen_time * 1000), next.fire);
  }
  object.frozen_time = target;
  object.status = 'ready';
  object.status_details = {};
  account.log.emit('test_helpers.test_clock.ready', object, CLOCK_CAUSE);
}

/** Stripe advances a test clock by at most two intervals of its shortest subscription. */
function assertMayAdvance(account: Account, clock: StoredTestClock, target: number): void {
  const { frozen_time: from, status } = clock.object;
  if (status === 'advancing') {
    const message = 'Cannot advance a test clock that is already advancing. Wait for its status to become `ready`.';
    throw refused(message);
  }
  if (target <= from) throw refused('A test clock can only be advanced to a later time.', { param: 'frozen_time' });
  const limits = account
    .of(subscriptions)
    .filed('test_clock', clock.id)
    .flatMap(({ object }) => object.items.data.map(({ price }) => price.recurring))
    .map((recurring) => nextBoundary(from, recurring, nextBoundary(from, recurring, from)));
  if (limits.some((limit) => target > limit)) {
    const message =
      'A test clock can be advanced by at most two intervals of its shortest subscription. Advance it in steps.';
    throw refused(message, { param: 'frozen_time' });
  }
}
