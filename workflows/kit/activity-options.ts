import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';
import { NEVER_RETRIED } from '../domain/shared/errors';

/**
 * Asking a bank while a customer waits. One try may take the provider's own 20 s and a margin. In all twenty minutes: a sale that
 * brings ten times the provider's limit for half a minute makes a line of five minutes, or of fifteen where each customer is new
 * and takes three requests; a caller who waits in line keeps the place. After that the outcome is looked up instead.
 */
export const AUTHORIZE_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '20 min',
  retry: {
    initialInterval: '500 ms',
    backoffCoefficient: 2,
    maximumInterval: '10 s',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/**
 * Money that moves in a workflow of its own, where no command waits behind it (refunds, undoing a checkout). Providers keep idempotency
 * keys for 24 h, so blind retries end at 6 h, well below it; after that the outcome is looked up and a person gets a case.
 */
export const MONEY_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '6 h',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    maximumInterval: '5 min',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/**
 * A command on an order, while other commands wait behind it: long enough for a short outage of the provider or a short line.
 * With the first try before it, the order is free again within a minute; a step without an outcome by then is tried again later,
 * under the same key.
 */
export const COMMAND_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '45 s',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/**
 * A step that an order takes by itself while commands wait behind it: one full try at the provider, and some short ones. A step
 * without an outcome by then lets the commands pass and is tried again later, under the same key.
 */
export const BACKGROUND_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '15 s',
  scheduleToCloseTimeout: '20 s',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/** Reading at the provider moves no money: retried until a short outage has ended. */
export const LOOKUP_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '1 h',
  retry: {
    initialInterval: '1 s',
    backoffCoefficient: 2,
    maximumInterval: '1 min',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/**
 * One short transaction in our own database, as a local activity: one history event in place of six. Statements time out
 * after 5 s there; ten minutes outlive a failover. Retries over 10 s apart become timers and keep no task busy.
 */
export const STORAGE_OPTIONS: LocalActivityOptions = {
  startToCloseTimeout: '10 s',
  scheduleToCloseTimeout: '10 min',
  localRetryThreshold: '10 s',
  retry: {
    initialInterval: '100 ms',
    backoffCoefficient: 2,
    maximumInterval: '30 s',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};

/**
 * The first try at a bank, as a local activity: well below the workflow task's 10 s, above what nearly every authorization
 * takes. A try that is cut off here may still land; the regular activity that follows uses the same operation key.
 */
export const FIRST_TRY_OPTIONS: LocalActivityOptions = {
  startToCloseTimeout: '6 s',
  retry: { maximumAttempts: 1 },
};

/**
 * A day's balance transactions are read page by page, after everybody else's requests: half an hour is some 4,000 pages at
 * the pace that background work is left. It sends a heartbeat at every page, so a worker that died is noticed in a minute.
 */
export const SETTLEMENT_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30 min',
  heartbeatTimeout: '1 min',
  retry: {
    initialInterval: '10 s',
    backoffCoefficient: 2,
    maximumInterval: '30 min',
    nonRetryableErrorTypes: NEVER_RETRIED,
  },
};
