import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReceivedMail } from './mailbox';

/** The content of a mail must not run scripts, load resources or navigate: it is shown in a sandboxed frame. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SANDBOX = 'allow-popups allow-popups-to-escape-sandbox';
const MAIL_POLICY = `sandbox ${SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'`;

const STYLE = `body{margin:2rem auto;max-width:60rem;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:#18181b}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #e4e4e7}
pre{white-space:pre-wrap;background:#f4f4f5;padding:1rem}iframe{width:100%;height:36rem;border:1px solid #e4e4e7}`;

/** A list of the mails, one mail with its text and its HTML, and the same as JSON under `/mails`. */
export function answerMailRequest(
  request: IncomingMessage,
  response: ServerResponse,
  mails: readonly ReceivedMail[],
): void {
  const send = (status: number, type: string, policy: string, body: string): void => {
    response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const html = (body: string): void => send(200, 'text/html', PAGE_POLICY, body);
  const json = (body: unknown): void => send(200, 'application/json', PAGE_POLICY, JSON.stringify(body));
  const nothing = (status = 404): void => send(status, 'text/plain', PAGE_POLICY, 'There is nothing here.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return nothing(405);
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  if (path === '/') return html(listPage(mails));
  if (path === '/mails') return json({ mails: mails.toReversed() });
  const [, collection, id, part] = /^\/(mails?)\/(\d{1,9})(\/html)?$/.exec(path) ?? [];
  const mail = mails.find((one) => String(one.id) === id);
  if (mail === undefined) return nothing();
  if (collection === 'mails') return part === undefined ? json(mail) : nothing();
  if (part === undefined) return html(mailPage(mail));
  // Links open in a new tab, because the frame itself must not navigate.
  return send(200, 'text/html', MAIL_POLICY, mail.html.replace(/<head>/i, '<head><base target="_blank">'));
}

function listPage(mails: readonly ReceivedMail[]): string {
  const rows = mails
    .toReversed()
    .map(
      ({ id, receivedAt, to, subject }) =>
        `<tr><td>${escape(receivedAt)}</td><td>${escape(to.join(', '))}</td><td><a href="/mail/${id}">${escape(subject)}</a></td></tr>`,
    )
    .join('\n');
  const none = '<p>No mail yet. Notices to customers and to the shop arrive here.</p>';
  const table = `<table><tr><th>received</th><th>to</th><th>subject</th></tr>\n${rows}</table>`;
  return page('Mails', mails.length === 0 ? none : table, '<meta http-equiv="refresh" content="5">');
}

function mailPage({ id, receivedAt, from, to, subject, text }: ReceivedMail): string {
  return page(
    subject,
    `<p><a href="/">All mails</a></p>
<p>${escape(receivedAt)}<br>From ${escape(from)}<br>To ${escape(to.join(', '))}</p>
<h2>HTML</h2><iframe title="The mail's HTML" sandbox="${SANDBOX}" src="/mail/${id}/html"></iframe>
<h2>Text</h2><pre>${escape(text)}</pre>`,
  );
}

function page(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}<title>${escape(title)}</title><style>${STYLE}</style></head><body><h1>${escape(title)}</h1>${body}</body></html>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
