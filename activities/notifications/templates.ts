import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Liquid, type LiquidOptions } from 'liquidjs';
import type { Contact, NoticeToSend } from './channel';
import { dateLocale, DEFAULT_TIME_ZONE, registerFilters, type Reader } from './template-filters';

/** A notice as a person reads it. */
export interface RenderedNotice {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** @throws Error if the notice lacks a value that its template shows: a text with a gap is never sent */
export type RenderNotice = (notice: NoticeToSend, contact: Contact) => Promise<RenderedNotice>;

const DIRECTORY = join(__dirname, 'templates');
/** The folder of layouts and partials. */
const SHARED = 'shared';
const PARTS = ['subject', 'text', 'html'] as const;

/** Mail clients cut longer subjects anyway. */
const MAX_SUBJECT_LENGTH = 150;
const MAX_NAME_LENGTH = 60;

/**
 * Parses all templates `templates/<kind>/{subject,text,html}.liquid` at once, so that a missing or invalid one stops the
 * start. A template sees the notice's data, the reader's `name` if it is known, and `shopName`; nothing else.
 * @param shopName signs the mails; without it they are unsigned
 * @throws Error if a template is missing or invalid
 */
export function createRenderer(shopName?: string): RenderNotice {
  const options: LiquidOptions = {
    root: DIRECTORY,
    extname: '.liquid',
    cache: true,
    strictVariables: true,
    strictFilters: true,
    // An `if` may test an optional value.
    lenientIf: true,
    ownPropertyOnly: true,
  };
  const plain = new Liquid(options);
  const html = new Liquid({ ...options, outputEscape: 'escape' });
  const engines = { subject: plain, text: plain, html };
  registerFilters(plain);
  registerFilters(html);
  for (const kind of readdirSync(DIRECTORY)) {
    if (kind !== SHARED) for (const part of PARTS) engines[part].parseFileSync(`${kind}/${part}`);
  }
  return async (notice, contact) => {
    const name = greetingName(contact.name);
    const scope = { ...notice.data, ...(name !== undefined && { name }), toShop: notice.recipient.to === 'shop' };
    const reader: Reader & { readonly shopName?: string } = {
      timeZone: notice.quietHours?.timeZone ?? DEFAULT_TIME_ZONE,
      locale: dateLocale(contact.locale),
      ...(shopName !== undefined && { shopName }),
    };
    const part = async (which: (typeof PARTS)[number], more = {}): Promise<string> =>
      String(await engines[which].renderFile(`${notice.kind}/${which}`, { ...scope, ...more }, { globals: reader }));
    const subject = oneLine(await part('subject')).slice(0, MAX_SUBJECT_LENGTH);
    return { subject, text: tidy(await part('text')), html: await part('html', { subject }) };
  };
}

/**
 * The name for the greeting; undefined if the text does not look like a name. Anybody can type a link or a whole sentence
 * as a name into a checkout, and the shop's mails would then carry a stranger's advertisement.
 */
function greetingName(name: string | undefined): string | undefined {
  const shown = oneLine(name ?? '');
  const isName = shown !== '' && shown.length <= MAX_NAME_LENGTH && !/[/@]|www\./i.test(shown);
  return isName ? shown : undefined;
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Removes the empty lines that tags leave. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}
