import { z } from 'zod';
import * as edge from '../../../clients/schemas/edge';
import { ValidationError } from '../../../clients/client/errors';
import { parse, parseCheckout } from '../../../clients/schemas/validate';
import { cart } from '../support/gateway-fakes';

/** The names of the fields that are refused. */
function refused(changes: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    parseCheckout(cart(changes));
    return [];
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return error.problems.map((problem) => problem.field);
  }
}

describe('text', () => {
  it.each(['half an emoji \ud83d', '\udc00', 'NUL \u0000', 'a\nb', 'a\u2028b', '', '   ', 'x'.repeat(256)])(
    'that one layer cannot carry is refused at the edge: %j',
    (text) => {
      expect(edge.opaqueId().safeParse(text).success).toBe(false);
    },
  );

  it.each(['Ü/+#"\'', 'TEE SHIRT / XL', '👩‍👩‍👧', '商品-1', 'x'.repeat(120), 'a%2Fb', '__proto__', '../..'])(
    'of others is taken as it is: %j',
    (text) => {
      expect(edge.opaqueId().parse(text)).toBe(text);
    },
  );

  it('that may have several lines accepts line breaks', () => {
    expect(edge.wellFormedLines(100).safeParse('one\r\n\ttwo').success).toBe(true);
    expect(edge.wellFormedLines(100).safeParse('one \ud83d').success).toBe(false);
    expect(edge.wellFormedLines(100).safeParse('one \u0000').success).toBe(false);
  });
});

describe('times', () => {
  it.each([
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '9999-12-31T23:59:59Z',
    `2026-01-01T00:00:00.${'0'.repeat(3000)}Z`,
    '2026-02-30T00:00:00Z',
    '+275760-09-13T00:00:00Z',
  ])('out of bounds are refused, with one message: %s', (time) => {
    const schema = z.strictObject({ time: edge.boundedTime });
    const problems = (): unknown => parse(schema, { time });
    expect(problems).toThrow(ValidationError);
  });

  it('are passed on in UTC and milliseconds', () => {
    expect(edge.boundedTime.parse('2026-01-31T12:00:00.123456789+02:00')).toBe('2026-01-31T10:00:00.123Z');
    expect(edge.boundedDate.safeParse('0000-01-01').success).toBe(false);
    expect(edge.boundedDate.safeParse('2026-01-31').success).toBe(true);
  });
});

describe('e-mail addresses', () => {
  it.each(['müller@example.com', 'a@bücher.example', '用户@例え.jp', 'a.b+c@sub.example.co.uk', "o'neil@example.com"])(
    '%s can be written to',
    (email) => {
      expect(edge.emailAddress.parse(email)).toBe(email);
    },
  );

  it.each([
    'ada',
    'a@b',
    'a b@c.de',
    'a@b..de',
    '.a@b.de',
    'a..b@c.de',
    'a@-b.de',
    'a\ud83d@b.de',
    'a@1.2.3.4',
    'a@b.de\n',
  ])('%j cannot', (email) => {
    expect(edge.emailAddress.safeParse(email).success).toBe(false);
  });
});

describe('addresses', () => {
  const at = (address: Readonly<Record<string, unknown>>): readonly string[] =>
    refused({ shippingAddress: { line1: '1 Sample Street', ...address } });

  it.each([
    { country: 'IE', city: 'Dublin' },
    { country: 'IE', city: 'Dublin', postalCode: 'D02 AF30' },
    { country: 'HK', city: 'Kowloon' },
    { country: 'HK', region: 'Kowloon' },
    { country: 'AE', region: 'Dubai' },
    { country: 'SG', postalCode: '238801' },
    { country: 'TW', city: '台北市', region: '信義區', postalCode: '110204' },
    { country: 'jp', city: '東京都', postalCode: '1000001' },
    { country: 'US', city: 'Springfield', postalCode: '62701-1234' },
    { country: 'GB', city: 'London', postalCode: 'sw1a1aa' },
    { country: 'XK', city: 'Prishtina', postalCode: '10000' },
  ])('are complete by the rules of their country: %j', (address) => {
    expect(at(address)).toEqual([]);
  });

  it.each([
    [{ country: 'DE', city: 'Berlin' }, ['shippingAddress.postalCode']],
    [{ country: 'DE', city: 'Berlin', postalCode: 'ABC' }, ['shippingAddress.postalCode']],
    [{ country: 'DE', postalCode: '10115' }, ['shippingAddress.city']],
    [{ country: 'AE' }, ['shippingAddress.city']],
  ])('say what is missing: %j', (address, fields) => {
    expect(at(address)).toEqual(fields);
  });
});

describe('amounts by currency', () => {
  const priced = (currency: string, unitAmount: number, rest = {}): readonly string[] =>
    refused({ currency, lines: [{ sku: 'X', quantity: 1, unitAmount }], shippingAmount: 0, taxAmount: 0, ...rest });

  it.each<[string, number, readonly string[]]>([
    ['eur', 30, ['lines']],
    ['eur', 50, []],
    ['jpy', 49, ['lines']],
    ['isk', 1290, ['lines.0.unitAmount']],
    ['isk', 129_000, []],
    ['ugx', 150, ['lines.0.unitAmount']],
    ['kwd', 1_235, ['lines.0.unitAmount']],
    ['kwd', 1_230, []],
    ['ghs', 1_000, []],
    ['xcg', 1_000, []],
    ['idr', 1_500_000_000, []],
    ['idr', 1_000_000_000_000, ['lines.0.unitAmount']],
  ])('%s %i', (currency, amount, fields) => {
    expect(priced(currency, amount)).toEqual(fields);
  });

  it('apply to shipping and tax too', () => {
    expect(priced('isk', 129_000, { shippingAmount: 4_950, taxAmount: 101 })).toEqual(['shippingAmount', 'taxAmount']);
  });
});
