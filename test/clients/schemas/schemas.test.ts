import fc from 'fast-check';
import { MAX_AMOUNT, MAX_LINES, MAX_QUANTITY } from '../../../workflows/domain/shared/money';
import { ValidationError } from '../../../clients/client';
import { cartFingerprint } from '../../../clients/client/fingerprint';
import { toCart } from '../../../clients/client/requests';
import { DEFAULT_POLICY } from '../../../workflows/domain/shared/policy';
import { parseCheckout } from '../../../clients/schemas/validate';
import { seed } from '../../support/property';
import { cart } from '../support/gateway-fakes';

const runs = { seed, numRuns: 300 };

beforeAll(() => process.stderr.write(`[schemas] fast-check seed ${seed}\n`));

function problemsOf(body: unknown): Readonly<Record<string, string>> {
  try {
    parseCheckout(body);
    return {};
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return Object.fromEntries(error.problems.map((one) => [one.field, one.message]));
  }
}

const line = { sku: 'MUG-1', quantity: 2, unitAmount: 2_000 };
const lines = (changes: Readonly<Record<string, unknown>>): unknown => cart({ lines: [{ ...line, ...changes }] });
const customer = (changes: Readonly<Record<string, unknown>>): unknown =>
  cart({ customer: { id: 'c', email: 'a@example.com', ...changes } });

test.each<[string, unknown, Readonly<Record<string, string>>]>([
  ['zero pieces', lines({ quantity: 0 }), { 'lines.0.quantity': 'must be at least 1' }],
  ['negative pieces', lines({ quantity: -1 }), { 'lines.0.quantity': 'must be at least 1' }],
  ['half a piece', lines({ quantity: 0.5 }), { 'lines.0.quantity': 'must be a whole number' }],
  ['too many pieces', lines({ quantity: 10_000 }), { 'lines.0.quantity': `must be at most ${MAX_QUANTITY}` }],
  ['pieces as text', lines({ quantity: '2' }), { 'lines.0.quantity': 'must be a number' }],
  ['no number at all', lines({ quantity: null }), { 'lines.0.quantity': 'must be a number' }],
  ['a negative price', lines({ unitAmount: -1 }), { 'lines.0.unitAmount': 'must be at least 0' }],
  ['a huge price', lines({ unitAmount: 1e13 }), { 'lines.0.unitAmount': `must be at most ${MAX_AMOUNT}` }],
  ['a price with cents', lines({ unitAmount: 19.99 }), { 'lines.0.unitAmount': 'must be a whole number' }],
  ['an unknown field of a line', lines({ colour: 'red' }), { 'lines.0.colour': 'is unknown' }],
  ['no lines', cart({ lines: [] }), { lines: 'must have at least 1 entries' }],
  ['lines that are none', cart({ lines: 'MUG' }), { lines: 'must be an array' }],
  [
    'too many lines',
    cart({ lines: Array.from({ length: MAX_LINES + 1 }, (_, index) => ({ ...line, sku: `s${index}`, quantity: 1 })) }),
    { lines: `must have at most ${MAX_LINES} entries` },
  ],
  ['one SKU twice', cart({ lines: [line, line] }), { 'lines.1.sku': 'names a SKU of an earlier line' }],
  [
    'a total over the limit',
    lines({ quantity: 9_999, unitAmount: 999_999_999 }),
    { lines: `the total of the cart must be at most ${MAX_AMOUNT} minor units` },
  ],
  [
    'a total of nothing',
    cart({ lines: [{ ...line, unitAmount: 0 }], shippingAmount: 0, taxAmount: 0 }),
    { lines: 'the total of the cart must be at least 0.50 EUR, the smallest card payment in this currency' },
  ],
  ['a free line', cart({ lines: [line, { sku: 'GIFT', quantity: 1, unitAmount: 0 }] }), {}],
  ['an unknown currency', cart({ currency: 'xxx' }), { currency: 'must be an ISO 4217 code of a supported currency' }],
  ['upper case', cart({ currency: 'EUR' }), {}],
  ['no e-mail', customer({ email: 'ada' }), { 'customer.email': 'must be an e-mail address' }],
  [
    'a name with a line break',
    customer({ name: 'a\nb' }),
    { 'customer.name': 'must be well-formed text without control characters' },
  ],
  ['an empty name', customer({ name: '' }), { 'customer.name': 'must not be empty' }],
  [
    'a country by name',
    cart({ shippingAddress: { line1: 'x', city: 'y', postalCode: 'z', country: 'Atlantis' } }),
    { 'shippingAddress.country': 'must be an ISO 3166-1 alpha-2 code' },
  ],
  ['another time of capture', cart({ captureOn: 'never' }), { captureOn: 'must be one of shipment, order' }],
  ['an unknown field', cart({ coupon: 'X' }), { coupon: 'is unknown' }],
  ['no body', undefined, { body: 'is required' }],
  ['a list', [], { body: 'must be an object' }],
])('%s', (_what, body, problems) => {
  expect(problemsOf(body)).toEqual(problems);
});

test('every problem is reported at once, rules across fields included', () => {
  const body = {
    currency: 'xxx',
    customer: { email: 'nobody' },
    lines: [line, { sku: 'MUG-1', quantity: 0 }],
    shippingAmount: -1,
    extra: true,
  };
  expect(Object.keys(problemsOf(body)).sort()).toEqual([
    'cartId',
    'currency',
    'customer.email',
    'customer.id',
    'extra',
    'lines.1.quantity',
    'lines.1.sku',
    'lines.1.unitAmount',
    'paymentMethod',
    'shippingAmount',
  ]);
});

test('no message repeats a value: it may be personal', () => {
  const secret = 'buyer@@example.com';
  const problems = problemsOf(cart({ currency: secret, customer: { id: 'c', email: secret }, captureOn: secret }));
  expect(Object.keys(problems)).toHaveLength(3);
  expect(JSON.stringify(problems)).not.toContain(secret);
});

const id = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,100}$/);
const validCart = fc
  .record({
    cartId: id,
    currency: fc.constantFrom('eur', 'USD', 'jpy'),
    customer: fc.record({ id, email: fc.constant('buyer@example.com') }),
    // 100 lines × 99 pieces × 100.00 stay below the limit of a total.
    lines: fc.uniqueArray(
      fc.record({
        sku: id,
        quantity: fc.integer({ min: 1, max: 99 }),
        // At least the smallest charge of each currency.
        unitAmount: fc.integer({ min: 50, max: 10_000 }),
      }),
      { minLength: 1, maxLength: MAX_LINES, selector: (one) => one.sku },
    ),
    shippingAmount: fc.integer({ min: 0, max: 10_000 }),
    paymentMethod: fc.stringMatching(/^[A-Za-z0-9_]{1,100}$/),
    captureOn: fc.constantFrom('shipment', 'order'),
  })
  .map((one) => one as Record<string, unknown>);

test('property: every valid cart passes, its currency in lower case, its defaults filled in', () => {
  fc.assert(
    fc.property(validCart, (body) => {
      const parsed = parseCheckout(body);
      expect(parsed).toEqual({
        ...body,
        currency: String(body['currency']).toLowerCase(),
        taxAmount: 0,
        channel: 'web',
      });
    }),
    runs,
  );
});

/** Each makes one field wrong, and says which. */
const mutations: readonly (readonly [field: string, change: (body: Record<string, unknown>) => unknown])[] = [
  ...['cartId', 'currency', 'customer', 'lines', 'paymentMethod'].map(
    (field) => [field, ({ [field]: _, ...rest }: Record<string, unknown>) => rest] as const,
  ),
  ...['cartId', 'currency', 'customer', 'lines', 'shippingAmount', 'paymentMethod', 'captureOn'].map(
    (field) => [field, (body: Record<string, unknown>) => ({ ...body, [field]: true })] as const,
  ),
  ['shippingAmount', (body) => ({ ...body, shippingAmount: MAX_AMOUNT + 1 })],
  ['lines.0.quantity', (body) => firstLine(body, { quantity: 0 })],
  ['lines.0.unitAmount', (body) => firstLine(body, { unitAmount: 0.1 })],
  ['lines.0.sku', (body) => firstLine(body, { sku: 'half an emoji \ud83d' })],
  ['lines.0.note', (body) => firstLine(body, { note: 'x' })],
  ['note', (body) => ({ ...body, note: 'x' })],
  ['customer.email', (body) => ({ ...body, customer: { ...(body['customer'] as object), email: 'x' } })],
];

function firstLine(body: Record<string, unknown>, changes: object): unknown {
  const [first, ...rest] = body['lines'] as object[];
  return { ...body, lines: [{ ...first, ...changes }, ...rest] };
}

test('property: a mutation of a valid cart is refused, and its field and no other is named', () => {
  fc.assert(
    fc.property(validCart, fc.constantFrom(...mutations), (body, [field, change]) => {
      expect(Object.keys(problemsOf(change(body)))).toEqual([field]);
    }),
    runs,
  );
});

describe('the fingerprint of a cart', () => {
  const of = (body: unknown): string => cartFingerprint(toCart(parseCheckout(body), DEFAULT_POLICY));
  const other = { sku: 'CAP-1', quantity: 1, unitAmount: 900 };

  test('stays the same for the same purchase', () => {
    const first = of(cart({ lines: [line, other] }));
    expect(of(cart({ lines: [other, line], currency: 'EUR' }))).toBe(first);
    expect(of(cart({ lines: [line, other], paymentMethod: 'pm_2' }))).toBe(first);
  });

  test('ignores how a field is written', () => {
    const parsed = toCart(parseCheckout(cart()), DEFAULT_POLICY);
    const written = {
      ...parsed,
      currency: parsed.currency.toUpperCase(),
      customer: { name: undefined, ...parsed.customer },
      shippingAddress: { line2: undefined, ...parsed.shippingAddress },
    };
    expect(cartFingerprint(written as typeof parsed)).toBe(cartFingerprint(parsed));
  });

  test.each([
    { currency: 'usd' },
    { lines: [{ ...line, quantity: 3 }] },
    { lines: [line, other] },
    { lines: [{ ...line, unitAmount: 1 }] },
    { taxAmount: 1 },
    { shippingAmount: 1 },
    { captureOn: 'order' },
    { customer: { id: 'c-2', email: 'buyer@example.com' } },
    { customer: { id: 'c-1', email: 'else@example.com' } },
    { shippingAddress: { line1: 'Hauptstraße 1', city: 'Berlin', postalCode: '10827', country: 'DE' } },
  ])('changes with %j', (changes) => expect(of(cart(changes))).not.toBe(of(cart())));
});
