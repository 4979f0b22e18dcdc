import { Option, type Command } from 'commander';
import type { NoticeView } from '../../workflows/domain/notice/notices';
import { listNoticesQuery } from '../schemas/notices';
import { idempotencyKeyOption, limitOption, withQuery, type CommandDeps } from './options';
import { newTable, showAnswer } from './tables';

interface NoticeOptions {
  readonly order?: string;
  readonly subscription?: string;
  readonly refund?: string;
  readonly dispute?: string;
  readonly status?: string;
  readonly limit?: number;
}

/** Adds `holdfast notices`. */
export function addNotices(program: Command, deps: CommandDeps): void {
  const statuses = listNoticesQuery.shape.status.unwrap().options;
  const notices = program.command('notices');
  notices
    .description('messages to customers and to the shop, latest first')
    .option('--order <id>', 'of this order, its refunds and disputes')
    .option('--subscription <id>', 'of this subscription')
    .option('--refund <id>', 'of this refund')
    .option('--dispute <id>', 'of this dispute')
    .addOption(
      new Option('--status <status>', 'only notices with this status; in_doubt and failed need a person').choices(
        statuses,
      ),
    )
    .addOption(limitOption())
    .action(async (options: NoticeOptions) =>
      deps.show(await deps.gateway().get(withQuery('/v1/notices', options)), noticesTable),
    );
  notices
    .command('resend')
    .description('send a notice that failed or is in doubt again, by the channels that have not confirmed it')
    .argument('<notice>', 'its key from the list')
    .addOption(idempotencyKeyOption())
    .action(async (noticeKey: string, { idempotencyKey }: { idempotencyKey?: string }) => {
      const path = `/v1/notices/${encodeURIComponent(noticeKey)}/resend`;
      await showAnswer(deps, await deps.gateway().post(path, {}, idempotencyKey));
    });
}

function noticesTable(answer: unknown): string {
  const { notices } = answer as { readonly notices: readonly NoticeView[] };
  if (notices.length === 0) return 'No notices.';
  const table = newTable(['notice', 'kind', 'of', 'status', 'sent by', 'at', 'last error']);
  for (const { noticeKey, kind, subject, status, channels, sentAt, dueAt, lastError } of notices) {
    const of = `${subject.type} ${subject.id}`;
    table.push([noticeKey, kind, of, status, channels.join(', '), sentAt ?? `due ${dueAt}`, lastError ?? '']);
  }
  return table.toString();
}
