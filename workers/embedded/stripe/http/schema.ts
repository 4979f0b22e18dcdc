import { invalidParameter } from './errors';
import { isFormMap, type FormMap, type FormValue } from './form';

/** Reads one parameter: returns the typed value, or throws the error that Stripe would send. */
export interface Rule<T> {
  readonly required?: true;
  parse(value: FormValue, path: string): T;
}
export interface RequiredRule<T> extends Rule<T> {
  readonly required: true;
}
export type Shape = Record<string, Rule<unknown>>;

type Output<R> = R extends Rule<infer T> ? T : never;
type RequiredKeys<S extends Shape> = { [K in keyof S]: S[K] extends RequiredRule<unknown> ? K : never }[keyof S];
/** The parameters of a shape, with the optional ones optional. */
export type Parsed<S extends Shape> = { [K in RequiredKeys<S>]: Output<S[K]> } & {
  [K in Exclude<keyof S, RequiredKeys<S>>]?: Output<S[K]>;
};

/** Metadata limits: https://docs.stripe.com/api/metadata */
const METADATA_MAX_KEYS = 50;
const METADATA_MAX_KEY_LENGTH = 40;
const METADATA_MAX_VALUE_LENGTH = 500;
const DEFAULT_MAX_STRING_LENGTH = 5_000;

/** Reads a whole request by its shape; the first wrong parameter is the error, as with Stripe. */
export function parseShape<S extends Shape>(shape: S, values: FormMap, prefix = ''): Parsed<S> {
  const parsed: Record<string, unknown> = {};
  for (const name of Object.keys(values)) {
    const path = prefix === '' ? name : `${prefix}[${name}]`;
    const rule = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (rule === undefined) {
      throw invalidParameter(`Received unknown parameter: ${path}`, path, 'parameter_unknown');
    }
    parsed[name] = rule.parse(values[name] as FormValue, path);
  }
  for (const [name, rule] of Object.entries(shape)) {
    const path = prefix === '' ? name : `${prefix}[${name}]`;
    if (rule.required === true && parsed[name] === undefined) {
      throw invalidParameter(`Missing required param: ${path}.`, path, 'parameter_missing');
    }
  }
  return parsed as Parsed<S>;
}

/** Makes a parameter required. */
export function required<T>(rule: Rule<T>): RequiredRule<T> {
  return { required: true, parse: (value, path) => rule.parse(value, path) };
}

/** A non-empty string. */
export function string(maxLength = DEFAULT_MAX_STRING_LENGTH): Rule<string> {
  return {
    parse(value, path) {
      const text = plain(value, path, 'string');
      if (text === '') throw emptyValue(path);
      if (text.length > maxLength) {
        throw invalidParameter(
          `Invalid string: must be at most ${maxLength} characters`,
          path,
          'parameter_invalid_string',
        );
      }
      return text;
    },
  };
}

/** Any rule whose value may be emptied: an empty string reads as null, which unsets. */
export function emptyable<T>(rule: Rule<T>): Rule<T | null> {
  return { parse: (value, path) => (value === '' ? null : rule.parse(value, path)) };
}

/** A whole number within limits (minor units for amounts). */
export function integer(min: number, max: number, tooLarge?: (path: string) => Error): Rule<number> {
  return {
    parse(value, path) {
      const text = plain(value, path, 'integer');
      if (text === '') throw emptyValue(path);
      if (!/^-?\d+$/.test(text)) throw invalidParameter(`Invalid integer: ${text}`, path, 'parameter_invalid_integer');
      const number = Number(text);
      if (number < min) {
        throw invalidParameter(
          `This value must be greater than or equal to ${min}.`,
          path,
          'parameter_invalid_integer',
        );
      }
      if (number > max) {
        throw (
          tooLarge?.(path) ??
          invalidParameter(`This value must be less than or equal to ${max}.`, path, 'parameter_invalid_integer')
        );
      }
      return number;
    },
  };
}

export function boolean(): Rule<boolean> {
  return {
    parse(value, path) {
      if (value !== 'true' && value !== 'false') throw invalidParameter(`Invalid boolean: ${String(value)}`, path);
      return value === 'true';
    },
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Rule<T> {
  return {
    parse(value, path) {
      const found = allowed.find((item) => item === value);
      if (found !== undefined) return found;
      throw invalidParameter(`Invalid ${path}: must be one of ${allowed.join(', ')}`, path);
    },
  };
}

export function object<S extends Shape>(shape: S): Rule<Parsed<S>> {
  return {
    parse(value, path) {
      if (!isFormMap(value)) throw invalidParameter('Invalid object', path);
      return parseShape(shape, value, path);
    },
  };
}

export function list<T>(rule: Rule<T>): Rule<T[]> {
  return {
    parse(value, path) {
      if (value === '') return [];
      if (!Array.isArray(value)) throw invalidParameter('Invalid array', path);
      return value.map((item, index) => rule.parse(item, `${path}[${index}]`));
    },
  };
}

/** Either of two rules; where both fail, the error is that of the second. */
export function either<A, B>(first: Rule<A>, second: Rule<B>): Rule<A | B> {
  return {
    parse(value, path) {
      try {
        return first.parse(value, path);
      } catch {
        return second.parse(value, path);
      }
    },
  };
}

/** A parameter of Stripe that is accepted but has no effect here. */
export function ignored(): Rule<FormValue> {
  return { parse: (value) => value };
}

/** Key-value pairs; a value of '' unsets its key, and an empty metadata unsets all (null). */
export function metadata(): Rule<Record<string, string> | null> {
  return {
    parse(value, path) {
      if (value === '') return null;
      // Keys 0, 1, 2… are valid metadata, but the form decoder makes a list of them.
      const map = Array.isArray(value) ? ({ ...value } as unknown as FormMap) : value;
      if (!isFormMap(map)) throw invalidParameter('Invalid metadata: must be a set of key-value pairs', path);
      const keys = Object.keys(map);
      if (keys.length > METADATA_MAX_KEYS) {
        throw invalidParameter(`You can only have up to ${METADATA_MAX_KEYS} metadata keys`, path);
      }
      return Object.fromEntries(keys.map((key) => [key, metadataValue(key, map[key] as FormValue, path)]));
    },
  };
}

function metadataValue(key: string, value: FormValue, path: string): string {
  if (key.length > METADATA_MAX_KEY_LENGTH) {
    throw invalidParameter(
      `Metadata keys must be under ${METADATA_MAX_KEY_LENGTH} characters in length`,
      `${path}[${key}]`,
    );
  }
  if (typeof value !== 'string') throw invalidParameter('Metadata values must be strings', `${path}[${key}]`);
  if (value.length > METADATA_MAX_VALUE_LENGTH) {
    throw invalidParameter(`Metadata values can have up to ${METADATA_MAX_VALUE_LENGTH} characters`, `${path}[${key}]`);
  }
  return value;
}

function plain(value: FormValue, path: string, kind: string): string {
  if (typeof value === 'string') return value;
  throw invalidParameter(`Invalid ${kind}: ${JSON.stringify(value)}`, path);
}

function emptyValue(path: string): Error {
  const message = `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; however '${path}' cannot be unset. You should remove '${path}' from your request or supply a non-empty value.`;
  return invalidParameter(message, path, 'parameter_invalid_empty');
}
