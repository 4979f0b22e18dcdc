import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxyActivities, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SETTLEMENT_OPTIONS } from '../kit/activity-options';
import { dayBefore } from '../domain/settlement/settlement';
import { searchAttributes } from '../kit/search-attributes';
import type { SettlementActivities, SettlementSummary } from './ports';

/*
 * The daily settlement check: our ledger against the provider's balance. A schedule starts it for the day before, a person for
 * any day. Differences are recorded in Postgres; one without a known cause opens an exception.
 */

export interface ReconciliationInput {
  /** A day in UTC, `YYYY-MM-DD`; the day before this one where absent. */
  readonly date?: string;
}

const { compareSettlement } = proxyActivities<SettlementActivities>(SETTLEMENT_OPTIONS);

export async function reconcileSettlement(input: ReconciliationInput = {}): Promise<SettlementSummary> {
  const date = input.date ?? dayBefore(scheduledAtMs());
  const { workflowId } = workflowInfo();
  setCurrentDetails(`Compares the ledger of **${date}** with the provider's balance transactions.`);
  upsertSearchAttributes([{ key: searchAttributes.waitingOn, value: 'provider' }]);
  const summary = await compareSettlement.executeWithOptions(
    { ...SETTLEMENT_OPTIONS, summary: `Settlement of ${date}` },
    [{ date, workflowId }],
  );
  const { providerMovements, matched, explained, unexplained } = summary;
  setCurrentDetails(
    `**${date}**: ${providerMovements} movements at the provider, ${matched} positions agree, ${explained} differ with a known cause, **${unexplained}** need a person.`,
  );
  upsertSearchAttributes([
    { key: searchAttributes.waitingOn, value: null },
    { key: searchAttributes.exceptionKind, value: unexplained > 0 ? 'settlement_difference' : null },
  ]);
  return summary;
}

/** When the schedule planned this run: after an outage, days ago. */
const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

function scheduledAtMs(): number {
  return workflowInfo().typedSearchAttributes.get(scheduledStart)?.getTime() ?? Date.now();
}
