import { fc } from './property';

/** Texts that some layer behind the edge cannot take. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    '\ud83d',
    '\udc00x',
    '\u0000',
    'a\u0000b',
    '',
    ' ',
    '\n',
    '__proto__',
    "'; DROP TABLE orders --",
    '%00',
  ),
  fc.constantFrom(
    '../../x',
    '0000-01-01',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '+275760-09-13T00:00:00Z',
  ),
  fc.constantFrom(
    `2026-01-01T00:00:00.${'1'.repeat(3000)}Z`,
    'x'.repeat(256),
    'é'.repeat(20_001),
    '👩‍👩‍👧',
    'Ü/+#"\'',
    '﷽',
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const hostileNumber = fc.constantFrom(-1, 0, 0.1, 1e12, 1e15, 2 ** 53, 1e308, -1e308, 5e-324, 2 ** 31, 100_000_000);
/** A value that is not what anybody expects. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 3, arbitrary: hostileNumber },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, [], {}, [[]], { a: 1 }, [null], Array(1000).fill({})) },
);
