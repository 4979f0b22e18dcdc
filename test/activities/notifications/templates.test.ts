import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createRenderer } from '../../../activities/notifications/templates';
import type { NoticeData } from '../../../workflows/domain/notice/notices';
import { kinds, noticeOf, samples } from './samples';

const render = createRenderer('Sample Shop');
const reader = { email: 'buyer@example.com', name: 'Sample Buyer' };

describe('the templates', () => {
  it('are there for every kind of notice, and for no other', () => {
    const folder = resolve(__dirname, '../../../activities/notifications/templates');
    expect(readdirSync(folder).sort()).toEqual([...kinds, 'shared'].sort());
  });

  it.each(kinds.flatMap((kind) => samples[kind].map((data, index) => [kind, index, data] as const)))(
    '%s, sample %i: subject, text and HTML say the same',
    async (kind, _index, data) => {
      const { subject, text, html } = await render(noticeOf(kind, { data }), reader);
      const shown = `${subject}\n\n${text}`;
      expect(subject).not.toMatch(/\n|^\s*$/);
      for (const part of [subject, text, html]) expect(part).not.toMatch(/undefined|null|NaN|\[object|\{[{%]/);
      expect(text).not.toMatch(/\n\n\n|[ \t]$|<\w/m);
      for (const value of Object.values(data) as NoticeData[string][]) {
        if (typeof value === 'string' && value.startsWith('https:')) {
          expect(text).toContain(value);
          expect(html).toContain(value.replaceAll('&', '&amp;'));
        }
        if (typeof value === 'object' && value !== null) expect(shown).toContain('19.99 EUR');
      }
      expect(shown).toMatchSnapshot();
      expect(wordsOf(html, subject)).toEqual(wordsOf(text, ''));
    },
  );

  it.each(kinds)('%s without what it must have is not rendered at all', async (kind) => {
    const minimal = samples[kind].at(-1) as NoticeData;
    for (const name of Object.keys(minimal)) {
      const { [name]: _, ...data } = minimal;
      const rendering = render(noticeOf(kind, { data }), reader).then(({ text, html }) => text + html);
      await expect(rendering).rejects.toThrow(/undefined variable|must be /);
    }
  });

  it('keep hostile names and texts from becoming HTML', async () => {
    const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
    const { text, html } = await render(
      noticeOf('refund_on_its_way', { data: { ...samples.refund_on_its_way[0], orderId: hostile, reason: hostile } }),
      { email: 'buyer@example.com', name: '<b onclick=x>Sample</b>'.replace('/', '') },
    );
    expect(html).not.toMatch(/<script|<img|<b /);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).toContain('Hello &lt;b onclick=x&gt;Sample&lt;b&gt;,');
    expect(text).toContain(hostile);
  });

  it.each(['javascript:alert(1)', 'https://a.example/"onclick="x', 'ftp://a.example', 'pay here', '//a.example', ''])(
    'refuse %j as a link',
    async (payLink) => {
      const data = { ...samples.payment_failed[0], payLink };
      await expect(render(noticeOf('payment_failed', { data }), reader)).rejects.toThrow('must be an http(s) URL');
    },
  );

  it('have subjects of one line, whatever the product is called', async () => {
    const data = { amount: { amount: 1, currency: 'eur' }, productName: `Tea\r\nBcc: a@b.example ${'x'.repeat(300)}` };
    const { subject } = await render(noticeOf('payment_recovered', { data }), reader);
    expect(subject).toHaveLength(150);
    expect(subject).toContain('Tea Bcc: a@b.example');
  });

  it.each([
    ['Sample Buyer', 'Hello Sample Buyer,'],
    ['  Sample\n  Buyer ', 'Hello Sample Buyer,'],
    ['Free money at https://evil.example', 'Hello,'],
    ['see WWW.evil.example', 'Hello,'],
    ['x'.repeat(61), 'Hello,'],
    [undefined, 'Hello,'],
  ])('greet %j with %j', async (name, greeting) => {
    const contact = { email: 'buyer@example.com', ...(name !== undefined && { name }) };
    const { text, html } = await render(noticeOf('refund_done'), contact);
    expect(text.split('\n')[0]).toBe(greeting);
    expect(html).toContain(`<p>${greeting}</p>`);
  });

  it.each([
    ['Europe/Berlin', undefined, '12 March 2026 at 14:05 CET'],
    ['Europe/Berlin', 'de-DE', '12 March 2026 at 14:05 CET'],
    ['America/New_York', 'en-US', 'March 12, 2026 at 09:05 AM EDT'],
    [undefined, undefined, '12 March 2026 at 13:05 UTC'],
    [undefined, 'en-<x>', '12 March 2026 at 13:05 UTC'],
  ])('write times for a reader in %s with locale %s as %j', async (timeZone, locale, shown) => {
    const quietHours = timeZone === undefined ? {} : { quietHours: { timeZone, from: '22:00', to: '08:00' } };
    const contact = { ...reader, ...(locale !== undefined && { locale }) };
    const { text } = await render(noticeOf('payment_failed', quietHours), contact);
    expect(text.replaceAll('\u202f', ' ')).toContain(shown);
  });

  it('sign with the shop’s name, or not at all', async () => {
    const unsigned = await createRenderer()(noticeOf('refund_done'), reader);
    expect([(await render(noticeOf('refund_done'), reader)).text, unsigned.text]).toEqual([
      expect.stringMatching(/\n\nThank you,\nSample Shop\n$/),
      expect.stringMatching(/\n\nThank you\.\n$/),
    ]);
  });
});

/** The words of a text and of an HTML body, without links and bullets: both say the same to a reader. */
function wordsOf(body: string, title: string): string[] {
  const text = body
    .replace(/<title>.*<\/title>/, title === '' ? '$&' : '')
    .replace(/<a [^>]*>.*?<\/a>/g, ' ')
    .replace(/<\/?(strong|code)>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll('&#39;', "'");
  return text.split(/\s+/).filter((word) => /\w/.test(word) && !word.startsWith('https:'));
}
