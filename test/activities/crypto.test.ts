import { randomBytes } from 'node:crypto';
import { createKeyring, parseEncryptionKeys } from '../../activities/crypto';

const key = (id: string) => ({ id, key: randomBytes(32) });
const text = Buffer.from('buyer@example.org');

test('the first key encrypts, all decrypt, and no two ciphertexts are alike', () => {
  const [old, fresh] = [key('2025'), key('2026')];
  const before = createKeyring([old]).encrypt(text);
  const ring = createKeyring([fresh, old]);
  expect(Buffer.from(ring.decrypt(before))).toEqual(text);
  const after = ring.encrypt(text);
  expect(Buffer.from(after).includes(text)).toBe(false);
  expect(Buffer.from(ring.encrypt(text))).not.toEqual(Buffer.from(after));
  expect(Buffer.from(createKeyring([fresh]).decrypt(after))).toEqual(text);
  expect(() => createKeyring([old]).decrypt(after)).toThrow('no encryption key "2026"');
});

test('a changed byte anywhere is found', () => {
  const ring = createKeyring([key('k')]);
  const sealed = ring.encrypt(text);
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => ring.decrypt(changed)).toThrow();
  }
  for (let length = 0; length < sealed.length; length++)
    expect(() => ring.decrypt(sealed.subarray(0, length))).toThrow();
});

test('wrong keys are refused at start, and are not shown', () => {
  expect(() => createKeyring([])).toThrow('at least one key');
  expect(() => createKeyring([{ id: 'k', key: randomBytes(16) }])).toThrow('16 bytes, not 32');
  expect(() => createKeyring([{ id: '', key: randomBytes(32) }])).toThrow('1 to 255 bytes');
  expect(() => createKeyring([key('k'), key('k')])).toThrow('two encryption keys');
  const [first, second] = [key('a'), key('b')];
  const written = [first, second].map((one) => `${one.id}:${one.key.toString('base64')}`).join(',');
  expect(parseEncryptionKeys(written)).toEqual([first, second]);
  expect(() => parseEncryptionKeys('c2VjcmV0')).toThrow('must be written id:base64');
});
