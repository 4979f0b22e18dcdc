import type { QuietHours } from './notices';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Quiet hours cross at most two changes of the clock in any zone; this limit stops a loop on nonsensical zone data. */
const MAX_CHANGES = 8;

/**
 * The first moment from `atMs` on at which the customer may be notified: `atMs` itself outside of quiet hours. Quiet hours follow
 * the zone's wall clock: if clocks are set forward over their end, they end with the change; if clocks are set back, the repeated
 * hour is quiet twice.
 *
 * The rules of a zone come with the runtime and change some times a year, and a replay may use a newer runtime. So a workflow may
 * use the result only for the length of a timer.
 *
 * @returns milliseconds since the epoch, at least `atMs`
 * @throws RangeError as {@link assertQuietHours}
 */
export function nextAllowed(atMs: number, quietHours: QuietHours): number {
  const { from, to, zone } = parsed(quietHours);
  const isQuiet = (ms: number): boolean => isWithin(timeOfDayMs(ms, zone), from, to);
  let at = atMs;
  for (let change = 0; change < MAX_CHANGES && isQuiet(at); change++) {
    const end = at + forward(timeOfDayMs(at, zone), to);
    if (offsetMs(end, zone) === offsetMs(at, zone)) return end;
    at = changeBetween(at, end, zone);
  }
  return at;
}

/** @throws RangeError that names the problem: an unknown time zone, or an invalid time of day */
export function assertQuietHours(quietHours: QuietHours): void {
  parsed(quietHours);
}

/** Does the runtime know this IANA time zone? */
export function isTimeZone(name: string): boolean {
  try {
    return zoneOf(name) !== undefined;
  } catch {
    return false;
  }
}

interface ParsedHours {
  /** Milliseconds after midnight. */
  readonly from: number;
  readonly to: number;
  readonly zone: Intl.DateTimeFormat;
}

function parsed({ timeZone, from, to }: QuietHours): ParsedHours {
  return { from: minutesMs(from), to: minutesMs(to), zone: zoneOf(timeZone) };
}

function minutesMs(time: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(time) ?? [];
  if (hours === undefined || minutes === undefined) {
    throw new RangeError(`quiet hours begin and end at HH:MM from 00:00 to 23:59, not ${JSON.stringify(time)}`);
  }
  return (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
}

/** Cached, because creating a format takes a hundred times as long as using it; there are fewer than 600 zones. */
const zones = new Map<string, Intl.DateTimeFormat>();

function zoneOf(timeZone: string): Intl.DateTimeFormat {
  const known = zones.get(timeZone);
  if (known !== undefined) return known;
  const numeric = 'numeric' as const;
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
  const zone = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', hourCycle: 'h23', ...fields });
  zones.set(timeZone, zone);
  return zone;
}

/** The zone's offset from UTC. */
function offsetMs(ms: number, zone: Intl.DateTimeFormat): number {
  const part: Record<string, number> = {};
  for (const { type, value } of zone.formatToParts(ms)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

function timeOfDayMs(ms: number, zone: Intl.DateTimeFormat): number {
  return modulo(ms + offsetMs(ms, zone), DAY_MS);
}

/** The time from one time of day until the next occurrence of another. */
function forward(from: number, to: number): number {
  return modulo(to - from, DAY_MS);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function isWithin(time: number, from: number, to: number): boolean {
  return from <= to ? from <= time && time < to : from <= time || time < to;
}

/** The first moment after a change of the clock. There is at most one between the two, because changes are months apart. */
function changeBetween(earlierMs: number, laterMs: number, zone: Intl.DateTimeFormat): number {
  const before = offsetMs(earlierMs, zone);
  let [low, high] = [earlierMs, laterMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle, zone) === before) low = middle;
    else high = middle;
  }
  return high;
}
