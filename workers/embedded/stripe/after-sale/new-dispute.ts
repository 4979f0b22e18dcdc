import type { Account } from '../state/account';
import type { Charge } from '../state/model';
import type { Dispute, DisputeSpec } from './money-model';
import { EVIDENCE_FIELDS } from './money-shapes';

/** Visa's own codes for the reasons. */
const VISA_REASONS: Readonly<Record<string, string>> = {
  credit_not_processed: '13.6',
  duplicate: '12.6',
  fraudulent: '10.4',
  general: '13.7',
  product_not_received: '13.1',
  product_unacceptable: '13.3',
  subscription_canceled: '13.2',
  unrecognized: '10.4',
};

/** @throws Error where nothing was captured, or less than is disputed */
export function assertDisputable(charge: Charge, { amount = charge.amount_captured }: DisputeSpec): void {
  if (Number.isSafeInteger(amount) && amount > 0 && amount <= charge.amount_captured) return;
  throw new Error(`${charge.id} has ${charge.amount_captured} captured, so ${amount} of it cannot be disputed`);
}

/** The dispute as it begins, without any effect. */
export function newDispute(account: Account, charge: Charge, spec: DisputeSpec): Dispute {
  const { kind = 'dispute', dueInMs = account.settings.disputeResponseMs } = spec;
  const captured = charge.amount_captured;
  const amount = spec.amount ?? (captured - charge.amount_refunded || captured);
  const reason = spec.reason ?? (kind === 'inquiry' ? 'general' : 'fraudulent');
  const { brand, network } = charge.payment_method_details.card;
  const reasonCode = brand === 'visa' ? (VISA_REASONS[reason] ?? null) : null;
  return {
    id: account.newId('du'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: account.clock.nowSeconds(),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: { ...Object.fromEntries(EVIDENCE_FIELDS.map((name) => [name, null])), enhanced_evidence: {} },
    evidence_details: {
      due_by: Math.floor((account.clock.now() + dueInMs) / 1000),
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: kind === 'inquiry',
    livemode: false,
    metadata: {},
    network_reason_code: reasonCode,
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand: brand ?? 'unknown',
        case_type: kind === 'inquiry' ? 'inquiry' : 'chargeback',
        network: network ?? 'unknown',
        network_reason_code: reasonCode,
      },
      type: 'card',
    },
    reason,
    status: kind === 'inquiry' ? 'warning_needs_response' : 'needs_response',
  };
}
