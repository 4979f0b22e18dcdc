import { createServer } from 'node:net';
import { createTransport } from 'nodemailer';
import { FIXED_PORTS } from '../../../../workers/embedded/servers/ports';
import type { ReceivedMail } from '../../../../workers/embedded/servers/mail/mailbox';
import { startMailServer, type MailServer } from '../../../../workers/embedded/servers/mail/server';

let server: MailServer;
beforeAll(async () => void (server = await startMailServer({ ports: 'auto', keep: 3 })));
afterEach(() => {
  server.setFaults({});
  server.clear();
});
afterAll(() => server.stop());

const HOSTILE = '<script>alert(1)</script>';

async function send(changes: Readonly<Record<string, string>> = {}): Promise<string> {
  const transport = createTransport(server.smtpUrl);
  try {
    const { response } = await transport.sendMail({
      from: 'Shop <shop@shop.example>',
      to: 'buyer@example.com',
      subject: 'Grüße',
      text: 'Bonjour à tous',
      html: '<html><head><title>x</title></head><body><a href="https://shop.example">Ça va</a></body></html>',
      ...changes,
    });
    return response ?? '';
  } finally {
    transport.close();
  }
}

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

it('keeps the mails it receives, parsed, and shows them as JSON, newest first', async () => {
  await send();
  await send({ subject: 'Second', to: 'other@example.com' });
  expect(server.mails()).toMatchObject([
    {
      to: ['buyer@example.com'],
      from: 'shop@shop.example',
      subject: 'Grüße',
      text: expect.stringContaining('Bonjour à tous'),
      html: expect.stringContaining('Ça va'),
      headers: { subject: expect.any(String) },
    },
    { subject: 'Second' },
  ]);
  const listed = JSON.parse((await get('/mails')).text) as { mails: ReceivedMail[] };
  expect(listed.mails).toEqual([...server.mails()].reverse());
  expect(JSON.parse((await get(`/mails/${listed.mails[0]?.id}`)).text)).toEqual(listed.mails[0]);
});

it('keeps only the newest mails', async () => {
  for (const subject of ['1', '2', '3', '4']) await send({ subject });
  expect(server.mails().map(({ subject }) => subject)).toEqual(['2', '3', '4']);
});

it('shows hostile mails without letting them do anything', async () => {
  const body = `<html><head></head><body onload="alert(1)">${HOSTILE}<img src="https://evil.example/x"></body></html>`;
  await send({ subject: HOSTILE, text: `${HOSTILE}</pre>`, html: body });
  const [mail] = server.mails();
  const list = await get('/');
  const page = await get(`/mail/${mail?.id}`);
  for (const { text, headers } of [list, page]) {
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-src 'self'/);
  }
  expect(page.text).toContain(
    `sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mail/${mail?.id}/html"></iframe>`,
  );
  const framed = await get(`/mail/${mail?.id}/html`);
  // The browser runs and loads nothing of it, in the frame or opened by itself.
  const policy = framed.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/);
  expect(policy).not.toMatch(/allow-scripts|allow-same-origin|script-src|https?:/);
  expect(framed.text).toContain('<head><base target="_blank">');
  for (const { headers } of [list, page, framed]) expect(headers.get('x-content-type-options')).toBe('nosniff');
});

it.each([
  ['GET', '/elsewhere', 404],
  ['GET', '/mails/999', 404],
  ['GET', '/mails/1/html', 404],
  ['GET', '/mail/..%2f', 404],
  ['POST', '/mails', 405],
  ['HEAD', '/', 200],
])('%s %s: %i', async (method, path, status) => {
  expect((await get(path, { method })).status).toBe(status);
});

it.each([
  [{ refuseRecipient: 550 }, 550, 0],
  [{ refuseContent: 451 }, 451, 0],
])('refuses mails as its faults say: %j', async (faults, responseCode, kept) => {
  server.setFaults(faults);
  await expect(send()).rejects.toMatchObject({ responseCode });
  expect(server.mails()).toHaveLength(kept);
});

it('drops the connection after it has kept a mail', async () => {
  server.setFaults({ dropAfterData: true });
  await expect(send()).rejects.toThrow();
  expect(server.mails()).toHaveLength(1);
});

it('refuses a mail that is too large', async () => {
  await expect(send({ text: 'x'.repeat(1_100_000) })).rejects.toMatchObject({ responseCode: 552 });
});

it('names the fixed port that is in use', async () => {
  const other = createServer();
  const taken = await new Promise<boolean>((resolve) => {
    other.once('error', () => resolve(false));
    other.listen(FIXED_PORTS.smtp, '127.0.0.1', () => resolve(true));
  });
  await expect(startMailServer({ ports: 'fixed' })).rejects.toThrow(
    `Port ${FIXED_PORTS.smtp} (mail) is already in use`,
  );
  if (taken) await new Promise((resolve) => other.close(resolve));
});
