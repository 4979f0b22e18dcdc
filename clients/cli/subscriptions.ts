import { Option, type Command } from 'commander';
import { formatMoney } from '../../workflows/domain/shared/money';
import type { SubscriptionChangeView, SubscriptionView } from '../../workflows/domain/subscription/view';
import { listSubscriptionsQuery } from '../schemas/subscriptions';
import { idempotencyKeyOption, limitOption, withQuery, type CommandDeps } from './options';
import { newTable, showAnswer } from './tables';

interface ListOptions {
  readonly stage?: string;
  readonly before?: string;
  readonly limit?: number;
}

/** Adds `holdfast subscriptions`. */
export function addSubscriptions(program: Command, deps: CommandDeps): void {
  const { gateway, show } = deps;
  const subscriptions = program.command('subscriptions').description('look at subscriptions, and pay what they owe');
  const stages = listSubscriptionsQuery.shape.stage.unwrap().options;
  subscriptions
    .command('list')
    .description('latest first')
    .addOption(new Option('--stage <stage>', 'only subscriptions in this stage').choices(stages))
    .option('--before <time>', 'only those first recorded before this time: the next page')
    .addOption(limitOption())
    .action(async (options: ListOptions) =>
      show(await gateway().get(withQuery('/v1/subscriptions', options)), listTable),
    );
  subscriptions
    .command('show')
    .description('one subscription with its invoice, changes of plan and notices')
    .argument('<subscriptionId>')
    .action(async (subscriptionId: string) => {
      await show(await gateway().get(`/v1/subscriptions/${encodeURIComponent(subscriptionId)}`), showTables);
    });
  subscriptions
    .command('pay')
    .description('make a payment method the default and pay what is owed with it')
    .argument('<subscriptionId>')
    .requiredOption('--payment-method <id>', "the provider's payment method, e.g. pm_card_visa")
    .addOption(idempotencyKeyOption())
    .action(async (subscriptionId: string, options: { paymentMethod: string; idempotencyKey?: string }) => {
      const path = `/v1/subscriptions/${encodeURIComponent(subscriptionId)}/payment-method`;
      const answer = await gateway().post(path, { paymentMethod: options.paymentMethod }, options.idempotencyKey);
      await showAnswer(deps, answer);
    });
}

// The gateway and the command line are one package, so an answer's shape is checked where the gateway makes it.

function listTable(answer: unknown): string {
  const { subscriptions } = answer as { readonly subscriptions: readonly SubscriptionView[] };
  if (subscriptions.length === 0) return 'No subscriptions.';
  const table = newTable(['subscription', 'stage', 'trial', 'entitled', 'plan', 'waits for', 'until', 'exception']);
  for (const one of subscriptions) {
    table.push([
      one.subscriptionId,
      one.stage,
      one.trial,
      one.entitled ? 'yes' : 'no',
      planOf(one.items, one.currency),
      one.waitingOn ?? '',
      one.waitingUntil ?? '',
      one.exception?.kind ?? '',
    ]);
  }
  return table.toString();
}

function showTables(answer: unknown): string {
  const one = answer as SubscriptionView;
  const tables = [summaryTable(one)];
  if (one.changes.length > 0) tables.push(changesTable(one.changes, one.currency));
  if (one.notices.length > 0) tables.push(noticesTable(one.notices));
  return tables.join('\n');
}

function summaryTable(one: SubscriptionView): string {
  const waits = one.waitingOn && `${one.waitingOn} until ${one.waitingUntil ?? '?'}: ${one.waitingFor ?? ''}`;
  const exception = one.exception && `${one.exception.kind}, owner ${one.exception.owner}: ${one.exception.message}`;
  const table = newTable([]);
  table.push(
    { subscription: one.subscriptionId },
    { stage: one.stage === one.providerStatus ? one.stage : `${one.stage} (provider: ${one.providerStatus})` },
    { trial: one.trialEndsAt === undefined ? one.trial : `${one.trial}, end ${one.trialEndsAt}` },
    { entitled: one.entitled ? 'yes' : 'no' },
    { plan: planOf(one.items, one.currency) },
    { 'payment method': one.hasPaymentMethod ? 'yes' : 'none' },
    { 'period ends': `${one.currentPeriodEnd ?? ''}${one.cancelAtPeriodEnd ? ', and the subscription with it' : ''}` },
    { ended: [one.endedAt, one.endReason].filter((part) => part !== undefined).join(', ') },
    { invoice: invoiceOf(one) },
    { 'waits for': waits ?? '' },
    { exception: exception ?? '' },
  );
  return table.toString();
}

function invoiceOf({ invoice, exhausted }: SubscriptionView): string {
  if (invoice === undefined) return '';
  const owed = formatMoney({ amount: invoice.amountDue, currency: invoice.currency });
  const failure = invoice.declineCode === undefined ? '' : `, refused: ${invoice.declineCode}`;
  const next = invoice.nextAttemptAt === undefined ? '' : `, next try ${invoice.nextAttemptAt}`;
  const tries = invoice.attemptCount === 0 ? '' : `, ${invoice.attemptCount} tries`;
  return `${invoice.invoiceId} ${invoice.status}, ${owed}${tries}${failure}${next}${exhausted ? ', given up' : ''}`;
}

function planOf(items: SubscriptionView['items'], currency: string): string {
  return items
    .map(({ productName, quantity, unitAmount, interval, intervalCount }) => {
      const every = intervalCount === 1 ? interval : `${intervalCount} ${interval}s`;
      return `${quantity} × ${productName} at ${formatMoney({ amount: unitAmount, currency })} a ${every}`;
    })
    .join(', ');
}

function changesTable(changes: readonly SubscriptionChangeView[], currency: string): string {
  const table = newTable(['change', 'at', 'amount', 'what']);
  for (const change of changes) {
    if (change.kind === 'plan') {
      const what = `${planOf(change.before, currency)} → ${planOf(change.after, currency)}`;
      table.push(['plan', change.occurredAt, '', what]);
    } else {
      const { prorationAmount: amount, invoiceId, occurredAt } = change;
      table.push(['proration', occurredAt, formatMoney({ amount, currency: change.currency }), invoiceId]);
    }
  }
  return table.toString();
}

function noticesTable(notices: SubscriptionView['notices']): string {
  const table = newTable(['notice', 'status', 'at']);
  for (const { kind, status, sentAt, dueAt } of notices) table.push([kind, status, sentAt ?? `due ${dueAt}`]);
  return table.toString();
}
