import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { defectsOfActivities } from '../../workers/dependencies/activity-defects';

const context = { info: { activityType: 'recordShipment' } } as unknown as Context;

function failing(error: unknown): Promise<unknown> {
  const { inbound } = defectsOfActivities(context);
  return Promise.resolve(inbound?.execute?.({ args: [], headers: {} }, () => Promise.reject(error as Error)));
}

function thrownBy(mistake: () => unknown): unknown {
  try {
    mistake();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test.each([
  ['half an emoji in a URL', thrownBy(() => encodeURIComponent('\ud83d'))],
  ['a field of nothing', thrownBy(() => (undefined as unknown as { x: { y: number } }).x.y)],
  ['a time that is none', thrownBy(() => new Date(NaN).toISOString())],
  ['text that is no JSON', thrownBy(() => JSON.parse('{'))],
])('%s is a defect, which nothing retries', async (_what, error) => {
  await expect(failing(error)).rejects.toMatchObject({
    type: 'Defect',
    nonRetryable: true,
    message: expect.stringContaining('recordShipment') as string,
  });
});

test.each([
  ['a typed failure', ApplicationFailure.retryable('x', 'ProviderUnavailable')],
  ['a cancel', new CancelledFailure('x')],
  ['an error without a kind', new Error('x')],
  ['a broken network', new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })],
])('%s is thrown unchanged', async (_what, error) => {
  await expect(failing(error)).rejects.toBe(error);
});
