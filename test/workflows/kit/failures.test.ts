import { ApplicationFailureCategory } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import {
  defectMessage,
  failureMessageOf,
  failureTypeOf,
  isExpected,
  refusedMessage,
} from '../../../workflows/kit/failures';
import { localFirst } from '../../../workflows/kit/local-first';

/** As an activity's failure reaches a workflow. */
const wrapped = (cause: Error | undefined): ActivityFailure =>
  new ActivityFailure('Activity task failed', 'capturePayment', '1', 'NON_RETRYABLE_FAILURE', undefined, cause);
const refused = ApplicationFailure.nonRetryable('declined', 'Refused', { code: 'x', message: 'the bank says no' });
const busy = ApplicationFailure.create({
  message: 'in line',
  type: 'ProviderUnavailable',
  category: ApplicationFailureCategory.BENIGN,
});
const timedOut = new TimeoutFailure('timed out', undefined, 'START_TO_CLOSE');

describe('the failure of an activity', () => {
  it.each<[string, unknown, string | undefined, string]>([
    ['that refused', wrapped(refused), 'Refused', 'declined'],
    ['that was not wrapped', refused, 'Refused', 'declined'],
    ['without a type', ApplicationFailure.create({ message: 'm' }), undefined, 'm'],
    ['that timed out', wrapped(timedOut), undefined, 'timed out'],
    ['that is an error of the program', new TypeError('no such field'), undefined, 'no such field'],
    ['that is no error', 'a text', undefined, 'a text'],
    ['without a cause', wrapped(undefined), undefined, 'undefined'],
  ])('%s has a type and a message', (_name, error, type, message) => {
    expect([failureTypeOf(error), failureMessageOf(error)]).toEqual([type, message]);
  });

  it('is described by the message of the refusal, or by its own', () => {
    expect(refusedMessage('the capture', wrapped(refused))).toMatch(/^the capture .*: the bank says no$/);
    expect(refusedMessage('the capture', refused)).toMatch(/: the bank says no$/);
    expect(refusedMessage('the capture', wrapped(timedOut))).toMatch(/: timed out$/);
    expect(refusedMessage('the capture', ApplicationFailure.nonRetryable('declined', 'Refused'))).toMatch(
      /: declined$/,
    );
    expect(defectMessage('the capture', wrapped(refused))).toMatch(/^the capture .*: declined$/);
  });

  it('is shortened to what a mail may carry', () => {
    const long = ApplicationFailure.nonRetryable('x'.repeat(900), 'Refused');
    expect([defectMessage('a step', long).length, refusedMessage('a step', long).length]).toEqual([500, 500]);
  });

  it('is expected only where the activity marks it as expected', () => {
    expect([isExpected(busy), isExpected(wrapped(busy))]).toEqual([true, true]);
    expect([isExpected(refused), isExpected(wrapped(refused)), isExpected(new Error('m'))]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('a local activity first, then a regular one', () => {
  const regular = jest.fn(() => Promise.resolve('regular'));
  beforeEach(() => regular.mockClear());
  const failing = (error: Error) => localFirst(() => Promise.reject(error), regular);

  it('skips the regular one when the local one succeeds', async () => {
    expect(await localFirst(() => Promise.resolve('local'), regular)).toBe('local');
    expect(regular).not.toHaveBeenCalled();
  });

  it('leaves passing failures to the regular one', async () => {
    expect(await failing(wrapped(busy))).toBe('regular');
  });

  it.each([
    ['a refusal', wrapped(refused)],
    ['an unknown outcome: it is looked up', wrapped(ApplicationFailure.nonRetryable('m', 'UnknownOutcome'))],
    ['an error of the program', wrapped(ApplicationFailure.nonRetryable('m', 'TypeError'))],
    ['a cancel', wrapped(new CancelledFailure('canceled'))],
  ])('does not try again after %s', async (_name, error) => {
    await expect(failing(error)).rejects.toBe(error);
    expect(regular).not.toHaveBeenCalled();
  });
});
