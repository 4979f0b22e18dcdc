import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';

/** A dispute that waits for a decision. */
export function disputeView(changes: Partial<DisputeView> = {}): DisputeView {
  return {
    disputeId: 'du_1',
    orderId: 'ord_1',
    paymentIntentId: 'pi_1',
    stage: 'evidence_due',
    providerStatus: 'needs_response',
    isInquiry: false,
    amount: 4_999,
    currency: 'eur',
    reason: 'fraudulent',
    openedAt: '2026-03-01T11:00:00.000Z',
    dueBy: '2026-03-08T11:00:00.000Z',
    withdrawn: 4_999,
    round: 1,
    roundBeganAt: '2026-03-01T11:00:00.000Z',
    warnedMs: [],
    evidenceCollectedAt: '2026-03-01T11:00:05.000Z',
    evidenceFields: ['customer_name', 'uncategorized_text'],
    feeAmount: 2_000,
    feeCurrency: 'eur',
    orderState: 'allocated',
    linesToShip: [{ sku: 'MUG-1', quantity: 1 }],
    openRefunds: [],
    exceptions: [],
    waitingOn: 'approver',
    waitingUntil: '2026-03-08T11:00:00.000Z',
    waitingFor: 'the dispute is to be answered with evidence, or accepted',
    ...changes,
  };
}

/** An early fraud warning that waits for a decision. */
export function fraudWarningView(changes: Partial<FraudWarningView> = {}): FraudWarningView {
  return {
    warningId: 'issfr_1',
    orderId: 'ord_1',
    paymentIntentId: 'pi_1',
    chargeId: 'ch_1',
    fraudType: 'made_with_stolen_card',
    actionable: true,
    receivedAt: '2026-03-01T11:00:00.000Z',
    currency: 'eur',
    refundable: 4_999,
    linesToShip: [],
    until: '2026-03-31T11:00:00.000Z',
    exceptions: [{ kind: 'fraud_warning', message: 'm', owner: 'payments', raisedAt: '2026-03-01T11:00:00.000Z' }],
    waitingOn: 'approver',
    waitingUntil: '2026-03-31T11:00:00.000Z',
    waitingFor: 'refund it, or ignore the warning',
    ...changes,
  };
}
