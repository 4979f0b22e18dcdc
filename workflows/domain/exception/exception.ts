/** Why an order cannot go on by itself, and who must act. */
export interface OrderException {
  readonly kind: ExceptionKind;
  readonly message: string;
  /** Who must act, e.g. `payments` or `warehouse`. */
  readonly owner: string;
  readonly raisedAt: string;
}

/** Kinds of exceptions, as the search attribute `ExceptionKind` shows them. */
export type ExceptionKind =
  | 'void_failed' // a hold may still be open on the customer's card without an order
  | 'release_failed' // stock may still be reserved for an order that is gone
  | 'withdraw_failed' // it is unknown whether the order was recorded
  | 'order_unreadable' // the order's record cannot be read, so nothing happens to the order
  | 'capture_unknown' // a parcel may have left without its money
  | 'capture_refused' // the provider refused the capture, and the hold is open: a person resolves it, the order continues
  | 'reauthorization_unknown'
  | 'hold_decision' // policy: a person decides about an expiring hold
  | 'hold_cancelled' // somebody cancelled the hold at the provider, or holds are lost repeatedly: a person decides whether the order continues
  | 'hold_stopped' // no hold is requested for the rest: no card accepts its amount, or everything captured was refunded
  | 'cancel_unknown'
  | 'external_capture' // somebody else captured money
  | 'step_failed' // a step failed because of a defect of Holdfast: nothing of it was recorded
  | 'shipment_overdue'
  | 'delivery_overdue'
  | 'refund_failed' // the customer did not get the refund: a person chooses another way
  | 'refund_action_needed' // the customer must act before the refund goes on
  | 'refund_overdue' // pending for longer than a refund may take
  | 'refund_unknown' // it is unknown whether the provider accepted the refund
  | 'refund_mismatch' // the provider refunded more than our ledger has
  | 'dispute_evidence_due' // a person decides before the provider's deadline
  | 'dispute_unsettled' // a dispute needs a person: a step was refused or failed, or its money does not add up
  | 'dispute_lost' // lines of a disputed order are left to be shipped or cancelled
  | 'fraud_warning' // the card's issuer reports fraud: refund before it becomes a dispute?
  | 'subscription_unreadable' // a subscription cannot be read, so nothing happens to it
  | 'settlement_difference'; // our ledger and the provider's balance differ
