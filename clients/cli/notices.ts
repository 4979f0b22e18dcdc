import { Option, type Command } from 'commander';
import type { NoticeView } from '../../workflows/domain/notice/notices';
import { listNoticesQuery } from '../schemas/notices';
import { idempotencyKeyOption, type CommandDeps } from './options';
import { answerTable, newTable } from './tables';

interface NoticeOptions {
  readonly order?: string;
  readonly subscription?: string;
  readonly refund?: string;
  readonly dispute?: string;
  readonly status?: string;
  readonly limit?: number;
}

/** Adds `holdfast notices`: what customers and the shop were told, and what is to be said again. */
export function addNotices(program: Command, deps: CommandDeps, limit: Option): void {
  const statuses = listNoticesQuery.shape.status.unwrap().options;
  const notices = program.command('notices');
  notices
    .description('what customers and the shop were told, latest first')
    .option('--order <id>', 'of this order, its refunds and disputes')
    .option('--subscription <id>', 'of this subscription')
    .option('--refund <id>', 'of this refund')
    .option('--dispute <id>', 'of this dispute')
    .addOption(new Option('--status <status>', 'only those: in_doubt and failed want a look').choices(statuses))
    .addOption(limit)
    .action(async (options: NoticeOptions) => {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(options)) if (value !== undefined) search.set(name, String(value));
      deps.show(await deps.gateway().get(`/v1/notices?${search.toString()}`), noticesTable);
    });
  notices
    .command('resend')
    .description('send one that failed or is in doubt again, to those whom it did not reach for certain')
    .argument('<notice>', 'its key, as the list shows it')
    .addOption(idempotencyKeyOption())
    .action(async (noticeKey: string, { idempotencyKey }: { idempotencyKey?: string }) => {
      const path = `/v1/notices/${encodeURIComponent(noticeKey)}/resend`;
      deps.show(await deps.gateway().post(path, {}, idempotencyKey), answerTable);
    });
}

function noticesTable(answer: unknown): string {
  const { notices } = answer as { readonly notices: readonly NoticeView[] };
  if (notices.length === 0) return 'No notices.';
  const table = newTable(['notice', 'kind', 'of', 'status', 'told by', 'at', 'why not']);
  for (const { noticeKey, kind, subject, status, channels, sentAt, dueAt, lastError } of notices) {
    const of = `${subject.type} ${subject.id}`;
    table.push([noticeKey, kind, of, status, channels.join(', '), sentAt ?? `due ${dueAt}`, lastError ?? '']);
  }
  return table.toString();
}
