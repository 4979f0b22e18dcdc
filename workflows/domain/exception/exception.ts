/** Why an order cannot go on by itself, and who must act. */
export interface OrderException {
  readonly kind: ExceptionKind;
  readonly message: string;
  /** Whose move it is, e.g. `payments` or `warehouse`. */
  readonly owner: string;
  readonly raisedAt: string;
}

/** Kinds of exceptions, as the search attribute `ExceptionKind` shows them. */
export type ExceptionKind =
  | 'void_failed' // a hold may still stand on the customer's card without an order
  | 'release_failed' // stock may still be reserved for an order that is gone
  | 'withdraw_failed' // it could not be found out whether the order was recorded
  | 'order_unreadable' // the order's record cannot be read; it stands still
  | 'capture_unknown' // a parcel may have left without its money
  | 'capture_refused' // the provider did not take the money, and the hold stands: a person settles it, the order goes on
  | 'reauthorization_unknown'
  | 'hold_decision' // policy: a person decides what becomes of an expiring hold
  | 'hold_cancelled' // somebody cancelled the hold at the provider, or it is lost again and again: a person decides whether the order goes on
  | 'hold_stopped' // no card is held again for the rest: its amount fits none, or what was taken has gone back
  | 'cancel_unknown'
  | 'external_capture' // money was captured by somebody else
  | 'step_failed' // a step failed on a mistake of Holdfast itself: nothing of it was recorded
  | 'shipment_overdue'
  | 'delivery_overdue'
  | 'refund_failed' // money that was to go back did not: a person chooses another way
  | 'refund_action_needed' // the customer must act before the refund goes on
  | 'refund_overdue' // pending for longer than a refund may take
  | 'refund_unknown' // it is not known whether the provider took the refund
  | 'refund_mismatch' // the provider gave back more than our ledger has
  | 'dispute_evidence_due' // a person decides before the provider's deadline
  | 'dispute_unsettled' // a step of a dispute failed for good; it is tried again
  | 'dispute_lost' // lines of a disputed order are left to be shipped or cancelled
  | 'fraud_warning' // the card's issuer reports fraud: refund before it becomes a dispute?
  | 'subscription_unreadable' // a subscription cannot be looked at; it stands still
  | 'settlement_difference'; // our ledger and the provider's balance differ
