import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { isCurrency } from '../../workflows/domain/shared/currencies';
import { MAX_AMOUNT, MAX_QUANTITY } from '../../workflows/domain/shared/money';
import { OWN_ID, OWN_ID_MESSAGE } from './own-id';

/**
 * The building blocks of every schema that reads a value from outside. Every layer behind accepts what passes here (JSON, Postgres,
 * Temporal, the provider). Messages never repeat a value, since it may be personal.
 */

/** Limit of names and of ids that other systems make; it fits into a provider's metadata. */
export const MAX_ID = 255;

// Lone surrogates cannot be written as UTF-8, Postgres refuses NUL, and no name or address has a control character.
const WELL_FORMED = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u;
// Texts of several lines may contain line breaks and tabs.
const WELL_FORMED_LINES = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u;
// Lets an empty text pass, which `min(1)` reports.
const NOT_BLANK = /^$|\S/;
const WELL_FORMED_MESSAGE = 'must be well-formed text without control characters';

/** One line of text: a name, a reason, a part of an address. */
export const wellFormedText = (max: number): z.ZodString =>
  z.string().min(1).max(max).regex(WELL_FORMED, WELL_FORMED_MESSAGE).regex(NOT_BLANK, 'must not be blank');

/** Several lines of text. */
export const wellFormedLines = (max: number): z.ZodString =>
  z.string().min(1).max(max).regex(WELL_FORMED_LINES, WELL_FORMED_MESSAGE).regex(NOT_BLANK, 'must not be blank');

/** An id that others made (SKU, cart, customer, warehouse, carrier, tracking number): any printable text, compared as it is. */
export const opaqueId = (max = MAX_ID): z.ZodString => wellFormedText(max);

/** An id that Holdfast or the payment provider made: it has a syntax, so a mistyped one is named at once. */
export const ownId = z.string().regex(OWN_ID, OWN_ID_MESSAGE);

/** The longest id of an actor, without the caller before it. */
export const MAX_ACTOR = 150;
export const ACTOR_MESSAGE = `must be 1 to ${MAX_ACTOR} letters, digits or _ . : @ -`;

/**
 * The person or program that sends a request: an id, not a name, since the audit log is kept for years. The gateway puts the API
 * key's fingerprint before it, and the client library accepts both together.
 */
export const actorId = z
  .string()
  .regex(new RegExp(`^(?:api-key:[0-9a-f]{12}:)?[A-Za-z0-9_.:@-]{1,${MAX_ACTOR}}$`), ACTOR_MESSAGE);

/** The length of a list, from a query: decimal digits only, since `Number` would also read `0x10` and `1e2`. */
export const listLimit = (max: number) =>
  z
    .preprocess(
      (text) => (typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : text),
      z.int().min(1).max(max),
    )
    .default(50);

/** A time outside these bounds is a mistyped one. */
const EARLIEST = '2000-01-01T00:00:00.000Z';
const LATEST = '2100-01-01T00:00:00.000Z';
/** The longest ISO time with nine fraction digits, those of nanoseconds, and an offset. */
const MAX_TIME_LENGTH = '2026-01-31T12:00:00.123456789+00:00'.length;

/** A time with `Z` or an offset; parsed into a UTC ISO string with milliseconds. */
export const boundedTime = z.iso
  .datetime({ offset: true })
  .max(MAX_TIME_LENGTH)
  .refine(isBounded, `must be from ${EARLIEST.slice(0, 10)} to ${LATEST.slice(0, 10)}`)
  .overwrite((time) => (Number.isNaN(Date.parse(time)) ? time : new Date(time).toISOString()));

/** Lets a malformed time pass, which `datetime` reports. */
function isBounded(time: string): boolean {
  const ms = Date.parse(time);
  return Number.isNaN(ms) || (ms >= Date.parse(EARLIEST) && ms <= Date.parse(LATEST));
}

/** A calendar day, `YYYY-MM-DD`, within the same bounds. */
export const boundedDate = z.iso
  .date()
  .refine((day) => isBounded(`${day}T00:00:00Z`), `must be from ${EARLIEST.slice(0, 10)} to ${LATEST.slice(0, 10)}`);

/** Minor units, zero included. The rules of the currency span several fields: see ./validate. */
export const moneyAmount = z.int().min(0).max(MAX_AMOUNT);
/** The amount of a refund or capture: at least 1. */
export const movedAmount = z.int().min(1).max(MAX_AMOUNT);

export const pieces = z.int().min(1).max(MAX_QUANTITY);

export const currency = z
  .string()
  .toLowerCase()
  .refine(isCurrency, 'must be an ISO 4217 code of a supported currency')
  .describe('ISO 4217, lower or upper case');

// RFC 6531: any printable characters but the specials of RFC 5322; no dot at either end, and none doubled.
const LOCAL_PART = /^(?!\.)(?!.*\.\.)[^\s\p{Cc}\p{Cs}()<>[\]:;@\\,"]{1,64}(?<!\.)$/u;
// `domainToASCII` alone would drop line breaks and decode percent signs.
const DOMAIN = /^[\p{L}\p{M}\p{N}.-]{1,253}$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Is this an e-mail address that mail can be sent to, its local part or domain in any script? */
export function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  if (at < 1 || !LOCAL_PART.test(text.slice(0, at)) || !DOMAIN.test(domain)) return false;
  const labels = domainToASCII(domain).split('.');
  return labels.length > 1 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
}

/** RFC 5321 allows 254 characters in a path. */
export const emailAddress = z
  .string()
  .max(254)
  .refine(isEmailAddress, 'must be an e-mail address')
  .meta({ format: 'idn-email' });
