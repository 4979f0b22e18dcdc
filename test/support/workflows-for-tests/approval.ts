import { continueAsNew, defineSignal, defineUpdate, proxyLocalActivities, setHandler } from '@temporalio/workflow';
import { Lifecycle, live, type Due } from '../../../workflows/kit/lifecycle';
import { waitingLine, type Shown } from '../../../workflows/kit/search-attributes';

/*
 * A small story on the kit, as a new one would be written: a person is asked for a yes or no, reminded once, and answered for
 * when the time is over.
 */
export interface Approval {
  readonly id: string;
  readonly reminded: boolean;
  readonly decision?: 'approve' | 'reject' | 'expire';
}

export interface ApprovalActivities {
  /** Null where nothing was asked. */
  loadApproval(id: string): Promise<Approval | null>;
  remind(id: string): Promise<Approval>;
  decide(id: string, decision: NonNullable<Approval['decision']>): Promise<Approval>;
}

export interface ApprovalInput {
  readonly id: string;
  readonly remindAtMs: number;
  readonly expiresAtMs: number;
}

export type ApprovalAnswer = 'done' | 'decided_before' | 'unknown' | 'outcome_unknown';
export const decideApproval = defineUpdate<ApprovalAnswer, ['approve' | 'reject']>('decide');
export const approvalChanged = defineSignal('changed');

const records = proxyLocalActivities<ApprovalActivities>({
  startToCloseTimeout: '10 s',
  retry: { maximumAttempts: 1 },
});

interface ApprovalDue extends Due {
  readonly kind: 'remind' | 'expire';
}

class ApprovalLife extends Lifecycle<Approval, ApprovalDue> {
  /** Steps that failed, in order. */
  readonly failed: string[] = [];

  constructor(readonly input: ApprovalInput) {
    super(`approval ${input.id}`, 'loading');
  }

  set(facts: Approval): void {
    this.keep(facts);
  }

  async load(): Promise<void> {
    this.isHinted = false;
    const facts = await records.loadApproval(this.input.id);
    if (facts !== null) this.set(facts);
  }

  get isOver(): boolean {
    return this.facts.decision !== undefined && this.queue.idle;
  }

  due(): ApprovalDue | undefined {
    if (this.facts.decision !== undefined) return undefined;
    const { remindAtMs, expiresAtMs } = this.input;
    return this.facts.reminded
      ? { kind: 'expire', atMs: Math.max(expiresAtMs, this.notBeforeMs), then: 'reject it' }
      : { kind: 'remind', atMs: remindAtMs, then: 'remind the approver' };
  }

  protected show({ id, decision }: Approval): Shown {
    const until = new Date(this.input.expiresAtMs).toISOString();
    const waiting = decision === undefined ? { on: 'approver' as const, until, why: 'yes or no' } : undefined;
    const details = [`**Approval ${id}**: ${decision ?? 'open'}.`, waitingLine(waiting)];
    return { details, waiting, exceptionKind: undefined, attributes: [] };
  }
}

export async function approval(input: ApprovalInput): Promise<string> {
  const life = new ApprovalLife(input);
  setHandler(decideApproval, (decision) =>
    life.inTurn<ApprovalAnswer>(
      async () => {
        if (life.facts.decision !== undefined) return 'decided_before';
        life.set(await records.decide(input.id, decision));
        return 'done';
      },
      () => 'unknown',
      () => Promise.resolve('outcome_unknown'),
    ),
  );
  setHandler(approvalChanged, () => life.hint());
  await life.load();
  life.loaded = true;
  if (!life.exists) return 'unknown';
  await live(life, {
    act: (due) => (due === undefined ? life.load() : act(life, due)),
    failed: (_error, due) => Promise.resolve(void life.failed.push(due?.kind ?? 'look')),
    continueAnew: () => continueAsNew(input),
  });
  return [...life.failed, life.facts.decision ?? 'open'].join();
}

async function act(life: ApprovalLife, { kind }: ApprovalDue): Promise<void> {
  const { id } = life.input;
  life.set(kind === 'remind' ? await records.remind(id) : await records.decide(id, 'expire'));
}
