/** What tests and the demo decided for things to come; kept in the journal as a whole whenever it changes. */
export interface DecisionBook {
  /** Grows with every change. */
  readonly revision: number;
  /** As JSON. */
  save(): unknown;
  restore(saved: never): void;
}

/** Decisions that wait for what they are for, oldest first; each is used up by the first that fits. */
export class DecisionQueue<D, S> implements DecisionBook {
  revision = 0;
  private waiting: D[] = [];

  /** `fits`: whether a decision is for this subject. */
  constructor(private readonly fits: (decision: D, subject: S) => boolean) {}

  add(decision: D): void {
    this.waiting.push(decision);
    this.revision += 1;
  }

  take(subject: S): D | undefined {
    const index = this.waiting.findIndex((decision) => this.fits(decision, subject));
    if (index < 0) return undefined;
    this.revision += 1;
    return this.waiting.splice(index, 1)[0];
  }

  save(): readonly D[] {
    return this.waiting;
  }

  restore(saved: readonly D[]): void {
    this.waiting = [...saved];
  }
}
