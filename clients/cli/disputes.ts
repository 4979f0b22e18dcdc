import { Option, type Command } from 'commander';
import type { DisputeView, FraudWarningView } from '../../workflows/domain/dispute/view';
import { formatMoney } from '../../workflows/domain/shared/money';
import { disputeDecisionRequest, fraudWarningDecisionRequest } from '../schemas/disputes';
import { idempotencyKeyOption, limitOption, withQuery, type CommandDeps } from './options';
import { newTable, showAnswer } from './tables';

interface DecideOptions {
  readonly action: string;
  readonly note?: string;
  readonly text?: string;
  readonly idempotencyKey?: string;
}

/** Adds `holdfast disputes` and `holdfast fraud-warnings`. */
export function addDisputes(program: Command, deps: CommandDeps): void {
  const disputes = program.command('disputes').description('look at disputes, and decide them');
  addList(disputes, '/v1/disputes', deps, disputesTable);
  addShow(disputes, '/v1/disputes', deps, disputeTable);
  withDecision(disputes, disputeDecisionRequest.shape.action.options)
    .description('send the evidence that was collected, or accept the loss')
    .option('--text <text>', 'sent to the bank in place of the summary')
    .option('--note <text>', 'why, for the record; not sent to the bank')
    .action((id: string, { action, note, text, idempotencyKey }: DecideOptions) => {
      const texts = { ...(note !== undefined && { note }), ...(text !== undefined && { uncategorizedText: text }) };
      return decide(deps, `/v1/disputes/${encodeURIComponent(id)}`, { action, ...texts }, idempotencyKey);
    });
  const warnings = program.command('fraud-warnings').description('look at early fraud warnings, and decide them');
  addList(warnings, '/v1/fraud-warnings', deps, warningsTable);
  addShow(warnings, '/v1/fraud-warnings', deps, warningTable);
  withDecision(warnings, fraudWarningDecisionRequest.shape.action.options)
    .description('refund the order before the cardholder disputes it, or ignore the warning')
    .action((id: string, { action, idempotencyKey }: DecideOptions) =>
      decide(deps, `/v1/fraud-warnings/${encodeURIComponent(id)}`, { action }, idempotencyKey),
    );
}

type TableOf = (answer: unknown) => string;

function addList(parent: Command, path: string, deps: CommandDeps, table: TableOf): void {
  parent
    .command('list')
    .description('latest first')
    .option('--open', 'only those that are open')
    .addOption(limitOption())
    .action(async (options: { open?: true; limit?: number }) =>
      deps.show(await deps.gateway().get(withQuery(path, options)), table),
    );
}

function addShow(parent: Command, path: string, deps: CommandDeps, table: TableOf): void {
  parent
    .command('show')
    .description('one with all its details')
    .argument('<id>')
    .action(async (id: string) => deps.show(await deps.gateway().get(`${path}/${encodeURIComponent(id)}`), table));
}

function withDecision(parent: Command, actions: readonly string[]): Command {
  return parent
    .command('decide')
    .argument('<id>')
    .addOption(new Option('--action <action>', 'what to do').choices(actions).makeOptionMandatory())
    .addOption(idempotencyKeyOption());
}

async function decide(deps: CommandDeps, path: string, body: unknown, key: string | undefined): Promise<void> {
  return showAnswer(deps, await deps.gateway().post(`${path}/decision`, body, key));
}

// The gateway and the command line are one package, so an answer's shape is checked where the gateway makes it.

function disputesTable(answer: unknown): string {
  const { disputes } = answer as { readonly disputes: readonly DisputeView[] };
  if (disputes.length === 0) return 'No disputes.';
  const table = newTable(['dispute', 'order', 'stage', 'amount', 'reason', 'due by', 'decided', 'waits for', 'until']);
  for (const one of disputes) {
    table.push([
      one.disputeId,
      one.orderId,
      one.isInquiry ? `${one.stage} (inquiry)` : one.stage,
      { hAlign: 'right', content: formatMoney({ amount: one.amount, currency: one.currency }) },
      one.reason,
      one.dueBy ?? '',
      one.decision?.action ?? '',
      one.waitingOn ?? '',
      one.waitingUntil ?? '',
    ]);
  }
  return table.toString();
}

function disputeTable(answer: unknown): string {
  const one = answer as DisputeView;
  const money = (amount: number): string => formatMoney({ amount, currency: one.currency });
  const table = newTable([]);
  table.push(
    { [one.isInquiry ? 'inquiry' : 'dispute']: `${one.disputeId}, round ${one.round}` },
    { order: `${one.orderId} (${one.orderState})` },
    { payment: one.paymentIntentId },
    { stage: `${one.stage} (${one.providerStatus})` },
    { amount: `${money(one.amount)}, reason ${one.reason}` },
    { withdrawn: `${money(one.withdrawn)}, fees ${formatMoney({ amount: one.feeAmount, currency: one.feeCurrency })}` },
    { opened: one.openedAt },
    { 'due by': one.dueBy ?? '' },
    { evidence: evidenceOf(one) },
    { decided: decisionOf(one) },
    { closed: one.closedAt ?? '' },
    { 'waits for': waitsFor(one) },
    { 'left to ship': linesOf(one) },
    { exceptions: exceptionsOf(one) },
  );
  return table.toString();
}

function evidenceOf({ evidenceCollectedAt, evidenceFields = [], submittedAt }: DisputeView): string {
  if (submittedAt !== undefined) return `submitted ${submittedAt}`;
  if (evidenceCollectedAt === undefined) return '';
  return `collected ${evidenceCollectedAt}: ${evidenceFields.join(', ')}`;
}

function decisionOf({ decision }: DisputeView): string {
  if (decision === undefined) return '';
  const { action, actor, at, refused } = decision;
  return `${action}, ${actor} at ${at}${refused === undefined ? '' : `, refused by the provider (${refused})`}`;
}

function warningsTable(answer: unknown): string {
  const { fraudWarnings } = answer as { readonly fraudWarnings: readonly FraudWarningView[] };
  if (fraudWarnings.length === 0) return 'No early fraud warnings.';
  const table = newTable(['warning', 'order', 'fraud type', 'refundable', 'decided', 'ended', 'until']);
  for (const one of fraudWarnings) {
    table.push([
      one.warningId,
      one.orderId,
      one.fraudType,
      { hAlign: 'right', content: formatMoney({ amount: Math.max(0, one.refundable), currency: one.currency }) },
      one.decision?.action ?? '',
      one.ended ?? '',
      one.until,
    ]);
  }
  return table.toString();
}

function warningTable(answer: unknown): string {
  const one = answer as FraudWarningView;
  const { decision, refundId, refundState } = one;
  const table = newTable([]);
  table.push(
    { warning: one.warningId },
    { order: one.orderId },
    { payment: one.paymentIntentId },
    { 'fraud type': one.fraudType },
    { received: one.receivedAt },
    { refundable: formatMoney({ amount: Math.max(0, one.refundable), currency: one.currency }) },
    { decided: decision === undefined ? '' : `${decision.action}, ${decision.actor} at ${decision.at}` },
    { refund: refundId === undefined ? '' : `${refundId} (${refundState ?? 'being made'})` },
    { ended: one.ended ?? '' },
    { 'waits for': waitsFor(one) },
    { 'left to ship': linesOf(one) },
    { exceptions: exceptionsOf(one) },
  );
  return table.toString();
}

type Followed = DisputeView | FraudWarningView;

function waitsFor({ waitingOn, waitingUntil, waitingFor }: Followed): string {
  return waitingOn === undefined ? '' : `${waitingOn} until ${waitingUntil ?? '?'}: ${waitingFor ?? ''}`;
}

function linesOf({ linesToShip }: Followed): string {
  return linesToShip.map((line) => `${line.quantity} × ${line.sku}`).join(', ');
}

function exceptionsOf({ exceptions }: Followed): string {
  return exceptions.map((one) => `${one.kind}, owner ${one.owner}: ${one.message}`).join('\n');
}
