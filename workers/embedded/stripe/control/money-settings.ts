const DAY_MS = 86_400_000;

/** Settings of refunds and disputes. Durations in milliseconds of the simulator's clock. */
export interface MoneySettings {
  /** From a pending refund to its success or failure. */
  refundSettleMs: number;
  /** From a refund's success to its failure, for refunds that fail afterwards. */
  refundFailAfterMs: number;
  /** How long the customer has to name the account for a refund. */
  refundActionMs: number;
  /** The error code of a refund of more than is left. Stripe sends none, yet its list of codes has one that fits. */
  overRefundCode: 'amount_too_large' | undefined;
  /** From the capture to the dispute, with the cards that raise one. */
  disputeDelayMs: number;
  /** From a dispute to its `due_by`. */
  disputeResponseMs: number;
  /** From evidence with one of Stripe's magic texts to the decision. */
  disputeDecisionMs: number;
  /** From any other evidence to the decision: then the dispute is lost. */
  disputeReviewMs: number;
  /** From an inquiry to its end, where it does not become a dispute. */
  inquiryCloseMs: number;
  /** Stripe's fee for a dispute, in minor units. */
  disputeFee: number;
  /** Whether it is given back where the dispute is won (by country: https://stripe.com/pricing). */
  disputeFeeReturned: boolean;
  /** From the capture to the warning, with the card that raises one. */
  fraudWarningDelayMs: number;
  /** From the capture until the money can be paid out. */
  fundsAvailableMs: number;
  feePercent: number;
  /** Minor units. */
  feeFixed: number;
  /** The balance's one currency, and what one unit of any other is worth in it; each currency has a balance of its own by default. */
  exchange: { readonly currency: string; readonly rate: number } | undefined;
}

/** The times of Stripe's test mode where they are shorter, otherwise those of the card networks. */
export const MONEY_DEFAULTS: MoneySettings = {
  refundSettleMs: 5_000,
  refundFailAfterMs: 5_000,
  refundActionMs: 45 * DAY_MS,
  overRefundCode: undefined,
  disputeDelayMs: 1_000,
  // Stripe: "typically 7 to 21 days", by card network.
  disputeResponseMs: 7 * DAY_MS,
  disputeDecisionMs: 5_000,
  // https://docs.stripe.com/disputes/how-disputes-work: 60 to 75 days.
  disputeReviewMs: 60 * DAY_MS,
  inquiryCloseMs: 120 * DAY_MS,
  disputeFee: 2_000,
  disputeFeeReturned: false,
  fraudWarningDelayMs: 1_000,
  fundsAvailableMs: 2 * DAY_MS,
  feePercent: 1.5,
  feeFixed: 25,
  exchange: undefined,
};
