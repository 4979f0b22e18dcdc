import { z } from 'zod';
import type { NotificationSettings } from '../../activities/notifications';
import { NOTICE_KINDS } from '../../workflows/domain/notice/notices';

const ADDRESS = String.raw`[^\s<>@,;"]+@[^\s<>@,;"]+`;
const isMailbox = new RegExp(`^(?:[^<>\\r\\n]*<${ADDRESS}>|${ADDRESS})$`);
const isAddress = new RegExp(`^${ADDRESS}$`);

/** Bytes of a signing secret. Source: Standard Webhooks specification, "Signature scheme". */
const SECRET_BYTES = { least: 24, most: 64 };

export const notificationVariables = {
  SMTP_URL: z
    .string()
    .refine((value) => URL.canParse(value) && /^smtps?:\/\/[^/]/.test(value), {
      error: 'must be an smtp:// or smtps:// URL',
    })
    .optional(),
  MAIL_FROM: z.string().regex(isMailbox, { error: 'must be an e-mail address, or Name <address>' }).optional(),
  HOLDFAST_MAILS_OFF: z
    .string()
    .transform((value) => value.split(',').map((item) => item.trim()))
    .pipe(
      z.array(z.enum(NOTICE_KINDS, { error: `must be kinds of notices, comma-separated: ${NOTICE_KINDS.join(', ')}` })),
    )
    .optional(),
  HOLDFAST_SHOP_EMAIL: z.string().regex(isAddress, { error: 'must be an e-mail address' }).optional(),
  NOTICE_WEBHOOK_URL: z
    .string()
    .refine((value) => URL.canParse(value) && /^https?:\/\//.test(value), {
      error: 'must be an http:// or https:// URL',
    })
    .optional(),
  NOTICE_WEBHOOK_SECRET: z
    .string()
    .refine(isSecret, { error: `must be whsec_ and the base64 of ${SECRET_BYTES.least} to ${SECRET_BYTES.most} bytes` })
    .optional(),
};

/** Variables that are set together or not at all, and optional variables that need them. */
export const notificationGroups: readonly (readonly [needed: string[], optional: string[]])[] = [
  [
    ['SMTP_URL', 'MAIL_FROM'],
    ['HOLDFAST_SHOP_EMAIL', 'HOLDFAST_MAILS_OFF'],
  ],
  [['NOTICE_WEBHOOK_URL', 'NOTICE_WEBHOOK_SECRET'], []],
];

type Given = { readonly [Name in keyof typeof notificationVariables]?: z.output<(typeof notificationVariables)[Name]> };

/** Undefined where no channel is configured. */
export function notificationSettings(given: Given): NotificationSettings | undefined {
  const { SMTP_URL, MAIL_FROM, HOLDFAST_SHOP_EMAIL, HOLDFAST_MAILS_OFF, NOTICE_WEBHOOK_URL, NOTICE_WEBHOOK_SECRET } =
    given;
  const mail =
    SMTP_URL === undefined || MAIL_FROM === undefined
      ? undefined
      : {
          url: SMTP_URL,
          from: MAIL_FROM,
          ...(HOLDFAST_SHOP_EMAIL === undefined ? {} : { shopEmail: HOLDFAST_SHOP_EMAIL }),
          ...(HOLDFAST_MAILS_OFF === undefined ? {} : { off: HOLDFAST_MAILS_OFF }),
        };
  const webhook =
    NOTICE_WEBHOOK_URL === undefined || NOTICE_WEBHOOK_SECRET === undefined
      ? undefined
      : { url: NOTICE_WEBHOOK_URL, secret: NOTICE_WEBHOOK_SECRET };
  if (mail === undefined && webhook === undefined) return undefined;
  return { ...(mail === undefined ? {} : { mail }), ...(webhook === undefined ? {} : { webhook }) };
}

function isSecret(value: string): boolean {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value) ?? [];
  if (encoded === undefined || encoded.length % 4 !== 0) return false;
  const { length } = Buffer.from(encoded, 'base64');
  return length >= SECRET_BYTES.least && length <= SECRET_BYTES.most;
}
