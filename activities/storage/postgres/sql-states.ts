import type { FailureKind } from '../../../workflows/domain/shared/errors';

/**
 * Classes of Postgres errors (the first two characters of the SQLSTATE) that pass. Any other class is a defect: our statement or
 * our data is wrong, and the same statement fails again. Source: PostgreSQL manual, appendix A.
 */
const PASSING_CLASSES: ReadonlySet<string> = new Set([
  '08', // connection exception
  '28', // invalid authorization: a password is being changed; nothing was sent yet
  '3D', // invalid catalog name: the database is being created or restored
  '40', // transaction rollback: serialization, deadlock
  '53', // insufficient resources
  '57', // operator intervention: time-outs, shutdown, starting up
  '58', // system error outside of Postgres
]);

/** Codes whose kind differs from that of their class. */
const CODES: Readonly<Record<string, FailureKind>> = {
  '25006': 'passing', // read only: this server has stopped being the primary
  '25P03': 'passing', // idle in transaction for too long: this process was frozen
  '25P04': 'passing', // the transaction took too long
  '40002': 'defect', // a constraint, checked at the commit
  '55006': 'passing', // object in use
  '55P03': 'passing', // lock not available in time
};

/** The kind of a failure by its SQLSTATE. Every step may be repeated, so an outcome is never unknown here. */
export function sqlStateKind(code: string): FailureKind {
  return CODES[code] ?? (PASSING_CLASSES.has(code.slice(0, 2)) ? 'passing' : 'defect');
}
