export interface ModelRefund {
  readonly refundId: string;
  readonly amount: number;
  state: 'pending' | 'succeeded' | 'failed';
}

/** What should be true of a paid order's money, whoever wants it back: the customer, their bank, or both. Minor units. */
export class MoneyBackModel {
  readonly refunds: ModelRefund[] = [];
  private dispute: 'none' | 'open' | 'won' | 'lost' = 'none';
  private disputed = 0;

  constructor(private readonly captured: number) {}

  get isDisputed(): boolean {
    return this.dispute === 'open';
  }

  /** A payment is disputed once at most, and only while something of it is left. */
  get mayBeDisputed(): boolean {
    return this.dispute === 'none' && this.captured > this.sum('succeeded');
  }

  get pending(): readonly ModelRefund[] {
    return this.refunds.filter((one) => one.state === 'pending');
  }

  /** The newest refund that may come back. */
  get newest(): ModelRefund | undefined {
    return this.refunds.findLast((one) => one.state === 'succeeded');
  }

  summary(): object {
    return {
      captured: this.captured,
      refundPending: this.sum('pending'),
      refunded: this.sum('succeeded'),
      disputed: this.disputed,
      refunds: this.refunds.map(({ refundId, state }) => `${refundId} ${state}`).sort(),
    };
  }

  /** Why a refund is refused; undefined where it is taken. */
  refusal(amount: number): string | undefined {
    if (this.isDisputed) return 'disputed';
    const left = this.captured - this.sum('pending') - this.sum('succeeded') - this.disputed;
    return amount > Math.max(0, left) ? 'exceeds_refundable' : undefined;
  }

  refund(refundId: string, amount: number, state: 'pending' | 'succeeded'): void {
    this.refunds.push({ refundId, amount, state });
  }

  /** The bank takes what has not gone back; it refuses refunds that are under way. */
  open(): void {
    for (const refund of this.pending) refund.state = 'failed';
    this.dispute = 'open';
    this.disputed = this.captured - this.sum('succeeded');
  }

  close(outcome: 'won' | 'lost'): void {
    this.dispute = outcome;
    if (outcome === 'won') this.disputed = 0;
  }

  /** What was under way arrives. */
  pass(): void {
    for (const refund of this.pending) refund.state = 'succeeded';
  }

  private sum(state: ModelRefund['state']): number {
    return this.refunds.filter((one) => one.state === state).reduce((sum, one) => sum + one.amount, 0);
  }
}
