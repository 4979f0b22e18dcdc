/** A time in Postgres' notation as a UTC ISO string. */
export function utc(time: string | Date): string {
  return new Date(time).toISOString();
}

/** Leaves out members that are null or undefined: JSON has null where our types omit the member. */
export function known<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
