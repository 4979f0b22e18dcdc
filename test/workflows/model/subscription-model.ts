/** What the bank says to a charge that nobody is present at. The second is tried again, the third is not. */
export type BankWord = 'approve' | 'insufficient_funds' | 'stolen_card';

export type ModelStage = 'active' | 'past_due' | 'unpaid' | 'canceled';

/** The invoice of one renewal. Times in milliseconds since the epoch. */
export interface ModelInvoice {
  readonly invoiceId: string;
  readonly amount: number;
  /** Tries that the provider counts, made or not. */
  readonly triedMs: number[];
  /** Declined cards that the customer gave for it. */
  readonly declinedMs: number[];
  /** The bank wants no more of this card. */
  isBlocked: boolean;
  paidMs?: number;
  /** The last try has failed. */
  exhaustedMs?: number;
}

/** The provider tries eight times. */
export const MOST_TRIES = 8;

/**
 * What should become of a subscriber whose first month is paid: no webhooks, no looks, no notices, only what the provider does at
 * its times and what people do. Minor units.
 */
export class SubscriptionModel {
  stage: ModelStage = 'active';
  endsWithPeriod = false;
  bank: BankWord = 'approve';
  /** By whose wish it ended. */
  end?: { readonly atMs: number; readonly by: 'dunning' | 'wish' };
  readonly invoices: ModelInvoice[] = [];

  constructor(
    public price: number,
    private readonly onExhausted: 'canceled' | 'unpaid',
  ) {
    this.paidBefore = price;
  }

  private readonly paidBefore: number;

  summary(): object {
    const { stage, price, endsWithPeriod } = this;
    const isEntitled = stage === 'active' || stage === 'past_due';
    return { stage, entitled: isEntitled, price, endsWithPeriod: stage !== 'canceled' && endsWithPeriod };
  }

  /** How many invoices were paid, and how much in all. */
  get paid(): { readonly count: number; readonly amount: number } {
    const paid = this.invoices.filter((one) => one.paidMs !== undefined);
    return { count: paid.length + 1, amount: paid.reduce((sum, one) => sum + one.amount, this.paidBefore) };
  }

  /** A period ends; `invoiceId` is what the provider calls the next one's invoice. */
  renews(invoiceId: string, atMs: number): void {
    if (this.endsWithPeriod) this.cancel(atMs);
    // Of an unpaid subscription invoices are kept as drafts, which nobody collects.
    if (this.stage !== 'active') return;
    this.invoices.push({ invoiceId, amount: this.price, triedMs: [], declinedMs: [], isBlocked: false });
  }

  /** The provider's time for a try of the newest invoice. */
  tried(atMs: number): void {
    const invoice = this.invoices.at(-1);
    if (invoice === undefined) throw new Error('there is nothing to try');
    invoice.triedMs.push(atMs);
    if (!invoice.isBlocked && this.bank === 'approve') {
      this.pays(invoice, atMs);
      return;
    }
    invoice.isBlocked ||= this.bank === 'stolen_card';
    this.stage = 'past_due';
    if (invoice.triedMs.length < MOST_TRIES) return;
    invoice.exhaustedMs = atMs;
    this.stage = this.onExhausted;
    if (this.onExhausted === 'canceled') this.end = { atMs, by: 'dunning' };
  }

  /** The customer gives a card, which their bank grants or not; what they are answered. */
  givesCard(isGood: boolean, atMs: number): object {
    if (this.stage === 'canceled') return { accepted: false, reason: 'subscription_canceled' };
    const owing = this.owing;
    if (owing === undefined) return { accepted: true, outcome: 'nothing_owed', stage: 'active', entitled: true };
    owing.isBlocked = false;
    if (!isGood) {
      owing.declinedMs.push(atMs);
      return { accepted: true, outcome: 'declined' };
    }
    this.pays(owing, atMs);
    return { accepted: true, outcome: 'paid', stage: 'active', entitled: true };
  }

  cancel(atMs: number): void {
    this.stage = 'canceled';
    this.end = { atMs, by: 'wish' };
  }

  private get owing(): ModelInvoice | undefined {
    const newest = this.invoices.at(-1);
    return newest?.paidMs === undefined && newest?.triedMs.length ? newest : undefined;
  }

  private pays(invoice: ModelInvoice, atMs: number): void {
    invoice.paidMs = atMs;
    this.stage = 'active';
  }
}
