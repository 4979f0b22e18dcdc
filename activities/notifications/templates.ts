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

/** @throws Error where the notice lacks what its template shows: nothing with a hole in it is sent */
export type RenderNotice = (notice: NoticeToSend, contact: Contact) => Promise<RenderedNotice>;

const DIRECTORY = join(__dirname, 'templates');
/** What all kinds share: layouts and partials. */
const SHARED = 'shared';
const PARTS = ['subject', 'text', 'html'] as const;

/** Longer ones are cut by mail clients anyway. */
const MAX_SUBJECT_LENGTH = 150;
const MAX_NAME_LENGTH = 60;

/**
 * The templates in `templates/<kind>/{subject,text,html}.liquid`, all parsed at once: one that is missing or wrong is told at
 * start. A template sees the notice's data, `name` of the reader where it is known, and `shopName`; nothing else.
 * @param shopName as mails are signed; unsigned where absent
 */
export function createRenderer(shopName?: string): RenderNotice {
  const options: LiquidOptions = {
    root: DIRECTORY,
    extname: '.liquid',
    cache: true,
    strictVariables: true,
    strictFilters: true,
    // An `if` may ask for what a notice need not have.
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
    const name = greetable(contact.name);
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
 * A name that a mail may begin with. Names are what anybody typed into a checkout: one that carries a link or a whole
 * sentence would make the shop's mails somebody else's advertisement.
 */
function greetable(name: string | undefined): string | undefined {
  const shown = oneLine(name ?? '');
  const isName = shown !== '' && shown.length <= MAX_NAME_LENGTH && !/[/@]|www\./i.test(shown);
  return isName ? shown : undefined;
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Tags leave empty lines behind. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}
