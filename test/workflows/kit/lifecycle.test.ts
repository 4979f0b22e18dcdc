import type { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import {
  closeConnections,
  getClient,
  getConnection,
  getNativeConnection,
  testEnvironment,
  uniqueName,
} from '../../support/environment';
import { enableTimeSkipping } from '../../support/time/time';
import {
  approvalChanged,
  decideApproval,
  type Approval,
  type ApprovalActivities,
} from '../../support/workflows-for-tests/approval';

// A story on the kit, played by a real worker: what every workflow gets from it.
const DAY_MS = 24 * 3_600_000;
const { temporalNamespace: namespace } = testEnvironment();
const taskQueue = uniqueName('kit');
const approvals = new Map<string, Approval>();
const steps: string[] = [];
let failing = false;
/** How often the next steps of its own fail. */
let failures = 0;
let connection: Connection;
let client: Client;
let worker: Worker;
let running: Promise<void>;

const activities: ApprovalActivities = {
  loadApproval: (id) => Promise.resolve(approvals.get(id) ?? null),
  remind: (id) => write(`remind ${id}`, { id, reminded: true }),
  decide: (id, decision) => {
    if (decision === 'expire' && failures-- > 0) throw ApplicationFailure.nonRetryable('the database is away');
    return write(`${decision} ${id}`, { id, reminded: true, decision });
  },
};

function write(step: string, approval: Approval): Promise<Approval> {
  if (failing) throw ApplicationFailure.nonRetryable('the database is away');
  steps.push(step);
  approvals.set(approval.id, approval);
  return Promise.resolve(approval);
}

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  connection = await getConnection();
  client = await getClient();
  const workflowsPath = require.resolve('../../support/workflows-for-tests/approval');
  worker = await Worker.create({
    connection: await getNativeConnection(),
    namespace,
    taskQueue,
    workflowsPath,
    activities,
  });
  running = worker.run();
});

afterAll(async () => {
  worker.shutdown();
  await running;
  await closeConnections();
});

async function ask(isKnown = true) {
  const id = uniqueName('approval');
  if (isKnown) approvals.set(id, { id, reminded: false });
  const input = { id, remindAtMs: Date.now() + DAY_MS, expiresAtMs: Date.now() + 3 * DAY_MS };
  const handle = await client.workflow.start('approval', { taskQueue, workflowId: id, args: [input] });
  return { id, handle };
}

it('acts when something is due, and ends once nothing is', async () => {
  const { id, handle } = await ask();
  await enableTimeSkipping(connection, namespace, id);
  expect(await handle.result()).toBe('expire');
  expect(steps.filter((step) => step.endsWith(id))).toEqual([`remind ${id}`, `expire ${id}`]);
});

it('retries its own failed step after a pause, and reports each failure', async () => {
  failures = 2;
  const { id, handle } = await ask();
  await enableTimeSkipping(connection, namespace, id);
  expect(await handle.result()).toBe('expire,expire,expire');
  const { events = [] } = await handle.fetchHistory();
  const timers = events?.map((one) => Number(one.timerStartedEventAttributes?.startToFireTimeout?.seconds ?? 0));
  expect(timers?.filter((seconds) => seconds > 590 && seconds <= 600)).toHaveLength(2);
});

it('runs commands one at a time: of two simultaneous decisions one is made, and both callers get an answer before the workflow ends', async () => {
  const { handle } = await ask();
  const both = [
    handle.executeUpdate(decideApproval, { args: ['approve'] }),
    handle.executeUpdate(decideApproval, { args: ['reject'] }),
  ];
  expect((await Promise.all(both)).sort()).toEqual(['decided_before', 'done']);
  expect(['approve', 'reject']).toContain(await handle.result());
});

it('answers a command whose record could not be written, and continues', async () => {
  const { handle } = await ask();
  failing = true;
  expect(await handle.executeUpdate(decideApproval, { args: ['approve'] })).toBe('outcome_unknown');
  failing = false;
  expect(await handle.executeUpdate(decideApproval, { args: ['approve'] })).toBe('done');
  expect(await handle.result()).toBe('approve');
});

it('looks again after a hint', async () => {
  const { id, handle } = await ask();
  approvals.set(id, { id, reminded: true, decision: 'reject' });
  await handle.signal(approvalChanged);
  expect(await handle.result()).toBe('reject');
});

it('ends when its subject is unknown', async () => {
  const { handle } = await ask(false);
  expect(await handle.result()).toBe('unknown');
});

it('shows who must act next and by when', async () => {
  const { handle } = await ask();
  await handle.signal(approvalChanged);
  // Answered in a later task than the first, so the first has shown what it knows.
  expect(await handle.executeUpdate(decideApproval, { args: ['approve'] })).toBe('done');
  await handle.result();
  const { events = [] } = await handle.fetchHistory();
  const shown = events?.map(
    (one) => one.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields,
  );
  const values = shown?.flatMap((fields) =>
    fields == null ? [] : [Buffer.from(fields['WaitingOn']?.data ?? []).toString()],
  );
  expect(values).toEqual(['"approver"', 'null']);
});
