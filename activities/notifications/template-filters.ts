import type { Context, Liquid } from 'liquidjs';
import { formatMoney, isAmount } from '../../workflows/domain/shared/money';

/** Used if the customer's own time zone is not known. */
export const DEFAULT_TIME_ZONE = 'UTC';
/** The texts are English. Dates follow the customer's own kind of English if the locale names one, otherwise this one. */
const DEFAULT_LOCALE = 'en-GB';

/** What filters know about the reader; global in every template. */
export interface Reader {
  readonly timeZone: string;
  readonly locale: string;
}

/** The locale in which dates are written for a reader. */
export function dateLocale(locale: string | undefined): string {
  if (locale === undefined || !/^en-[A-Z]{2}$/.test(locale)) return DEFAULT_LOCALE;
  return Intl.DateTimeFormat.supportedLocalesOf(locale)[0] ?? DEFAULT_LOCALE;
}

/**
 * `money`: `{amount, currency}` as `19.99 EUR`. `day` and `moment`: a UTC ISO string in the reader's time zone, without and
 * with the time. `link`: an http(s) URL, unchanged. `lines`: a list of the text's lines.
 * `required`: the value, unchanged; used where Liquid itself would treat a missing value as false.
 * Each filter throws on any other value: a text with a gap must not be sent.
 */
export function registerFilters(engine: Liquid): void {
  engine.registerFilter('money', moneyText);
  engine.registerFilter('day', function (value: unknown) {
    return dateText(value, readerOf(this.context), {});
  });
  engine.registerFilter('moment', function (value: unknown) {
    return dateText(value, readerOf(this.context), { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
  });
  engine.registerFilter('link', linkText);
  engine.registerFilter('required', (value: unknown) => {
    if (value === undefined || value === null)
      throw new TypeError('a value that the text depends on is missing: it must be given');
    return value;
  });
  engine.registerFilter('lines', (value: unknown) => {
    if (typeof value !== 'string') throw new TypeError('lines must be a string');
    return value.split('\n').filter((line) => line.trim() !== '');
  });
}

function readerOf(context: Context): Reader {
  return context.globals as Reader;
}

function moneyText(value: unknown): string {
  const money = value as { readonly amount?: unknown; readonly currency?: unknown } | null | undefined;
  if (typeof money?.amount !== 'number' || typeof money.currency !== 'string' || !isAmount(money.amount)) {
    throw new TypeError('money must be {amount, currency} in minor units');
  }
  return formatMoney({ amount: money.amount, currency: money.currency });
}

function dateText(value: unknown, { locale, timeZone }: Reader, time: Intl.DateTimeFormatOptions): string {
  const at = typeof value === 'string' ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) throw new TypeError('a time must be a UTC ISO string');
  return new Intl.DateTimeFormat(locale, { timeZone, day: 'numeric', month: 'long', year: 'numeric', ...time }).format(
    at,
  );
}

/** Checks the scheme, because HTML escaping does not stop a `javascript:` link. */
function linkText(value: unknown): string {
  if (typeof value !== 'string' || !/^https?:\/\/[^\s<>"]+$/i.test(value) || !URL.canParse(value)) {
    throw new TypeError('a link must be an http(s) URL');
  }
  return value;
}
