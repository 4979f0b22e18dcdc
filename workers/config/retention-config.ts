import { z } from 'zod';
import { DEFAULT_RETENTION, LEAST_RETENTION, type Retention } from '../../activities/storage';

/** A hundred years: a larger number is a mistyped one. */
const MOST_DAYS = 36_525;

function days(of: keyof Retention) {
  const error = `must be a number of days from ${LEAST_RETENTION[of]} to ${MOST_DAYS}`;
  return z
    .string()
    .regex(/^\d{1,5}$/, { error })
    .transform(Number)
    .refine((value) => value >= LEAST_RETENTION[of] && value <= MOST_DAYS, { error })
    .default(DEFAULT_RETENTION[of]);
}

export const retentionVariables = {
  HOLDFAST_KEEP_AUDIT_DAYS: days('auditLogDays'),
  HOLDFAST_KEEP_OPERATIONS_DAYS: days('operationsDays'),
  HOLDFAST_KEEP_AUTHORIZATION_RESULTS_DAYS: days('authorizationResultsDays'),
};

export function retention(given: Readonly<Record<keyof typeof retentionVariables, number>>): Retention {
  return {
    auditLogDays: given.HOLDFAST_KEEP_AUDIT_DAYS,
    operationsDays: given.HOLDFAST_KEEP_OPERATIONS_DAYS,
    authorizationResultsDays: given.HOLDFAST_KEEP_AUTHORIZATION_RESULTS_DAYS,
  };
}
