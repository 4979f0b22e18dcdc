/** Decisions of tests and the demo for future events; stored in the journal as a whole on each change. */
export interface DecisionBook {
  /** Grows with every change. */
  readonly revision: number;
  /** As JSON. */
  save(): unknown;
  restore(saved: never): void;
}

/** A queue of decisions, oldest first; each is used up by the first matching subject. */
export class DecisionQueue<D, S> implements DecisionBook {
  revision = 0;
  private waiting: D[] = [];

  /** `fits`: does a decision match this subject? */
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
