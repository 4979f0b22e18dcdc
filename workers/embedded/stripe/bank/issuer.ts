import type { StoredPaymentIntent, StoredPaymentMethod } from '../state/model';

/** The issuer's answer: approval, a request for 3-D Secure, or a decline code such as `insufficient_funds`. */
export type IssuerOutcome = 'approve' | 'authentication_required' | (string & {});

export interface IssuerDecisionOptions {
  /** How many charges it decides; all of them when absent. */
  times?: number;
  /** `off_session` (the default) leaves charges with the customer present to the card; `all` decides those too. */
  scope?: 'off_session' | 'all';
}

/** The decisions as JSON; `remaining` null is for ever. */
export type SavedDecisions = { target: string; outcome: string; scope: Decision['scope']; remaining: number | null }[];

interface Decision {
  readonly outcome: IssuerOutcome;
  readonly scope: 'off_session' | 'all';
  remaining: number;
}

/** Answers of the issuer that tests and the demo set; without one, the test card decides. */
export class IssuerDecisions {
  /** Grows with every change. */
  revision = 0;
  /** The first of a target's decisions is the one that counts. */
  private readonly decisions = new Map<string, Decision[]>();

  /**
   * `target` is a customer (`cus_…`) or a payment method (`pm_…`); a new decision replaces the old one. Several outcomes
   * follow one another, each for `times` charges (one by default; for ever where there is but one outcome).
   */
  set(target: string, outcome: IssuerOutcome | readonly IssuerOutcome[], options: IssuerDecisionOptions = {}): void {
    const { scope = 'off_session' } = options;
    const outcomes = typeof outcome === 'string' ? [outcome] : outcome;
    const times = options.times ?? (typeof outcome === 'string' ? Infinity : 1);
    this.decisions.set(
      target,
      outcomes.map((one) => ({ outcome: one, scope, remaining: times })),
    );
    this.revision += 1;
  }

  clear(target: string): void {
    this.decisions.delete(target);
    this.revision += 1;
  }

  save(): SavedDecisions {
    return [...this.decisions].flatMap(([target, decisions]) =>
      decisions.map(({ outcome, scope, remaining }) => {
        return { target, outcome, scope, remaining: Number.isFinite(remaining) ? remaining : null };
      }),
    );
  }

  restore(saved: SavedDecisions): void {
    this.decisions.clear();
    for (const { target, outcome, scope, remaining } of saved) {
      const earlier = this.decisions.get(target) ?? [];
      this.decisions.set(target, [...earlier, { outcome, scope, remaining: remaining ?? Infinity }]);
    }
  }

  /** The issuer's answer to one attempt to charge this card. `holdsElsewhere`: is there another hold on it? */
  decide(intent: StoredPaymentIntent, method: StoredPaymentMethod, holdsElsewhere: () => boolean): IssuerOutcome {
    const decided = this.take(method.id, intent) ?? this.take(intent.object.customer ?? '', intent);
    if (decided !== undefined) return decided;
    const { behaviour } = method.profile;
    switch (behaviour.kind) {
      case 'approve':
        return 'approve';
      case 'decline':
      case 'decline_when_charged':
        return behaviour.code;
      case 'one_hold':
        return holdsElsewhere() ? 'insufficient_funds' : 'approve';
      case 'authenticate':
        if (intent.authenticated) return 'approve';
        return behaviour.when === 'unless_set_up' && method.setUp ? 'approve' : 'authentication_required';
    }
  }

  private take(target: string, intent: StoredPaymentIntent): IssuerOutcome | undefined {
    const decisions = this.decisions.get(target);
    const decision = decisions?.[0];
    if (decisions === undefined || decision === undefined) return undefined;
    if (decision.scope === 'off_session' && !intent.offSession) return undefined;
    if (decision.outcome === 'authentication_required' && intent.authenticated) return 'approve';
    decision.remaining -= 1;
    this.revision += 1;
    if (decision.remaining <= 0) decisions.shift();
    if (decisions.length === 0) this.decisions.delete(target);
    return decision.outcome;
  }
}
