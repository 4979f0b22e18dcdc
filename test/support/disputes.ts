import type { DisputePolicy } from '../../workflows/domain/dispute/plan';
import { DEFAULT_DISPUTE_POLICY } from '../../workflows/domain/dispute/plan';
import type { DisputeView, FraudWarningView } from '../../workflows/domain/dispute/view';
import { decideDispute, disputeChanged } from '../../workflows/dispute/messages';
import { decideFraudWarning } from '../../workflows/fraud-warning/messages';
import type { DisputeAnswer, DisputeCommand } from '../../workflows/dispute/messages';
import type { FraudWarningAnswer, FraudWarningCommand } from '../../workflows/fraud-warning/messages';
import { workflowIds, workflowTypes } from '../../workflows/kit/names';
import { disputeStart } from '../../workflows/dispute/start';
import { getConnection, testEnvironment } from './environment';
import { eventually } from './time/eventually';
import { everything, mugs } from './shop';
import type { Shop } from './shop';
import { fastForward, virtualTime } from './time/time';
import type { World } from './world';

/** What of an order has left before it is disputed. */
export type Shipped = 'part' | 'all' | 'nothing';

/** What tests do with disputes in one world. */
export class Disputes {
  constructor(
    private readonly world: () => World,
    private readonly shop: Shop,
    private readonly policy: DisputePolicy = DEFAULT_DISPUTE_POLICY,
  ) {}

  /** An order of which something has shipped: its money is taken. */
  async shippedOrder(what: Shipped = 'part', changes: Parameters<Shop['place']>[0] = {}): Promise<string> {
    const orderId = await this.shop.place(changes, this.world());
    if (what === 'nothing') return orderId;
    const answer = await this.world().holdfast.ship(orderId, what === 'all' ? everything() : mugs(2));
    if (!answer.accepted) throw new Error(`not shipped: ${JSON.stringify(answer)}`);
    return orderId;
  }

  /** The PaymentIntent of an order whose money was taken. */
  paymentOf(orderId: string): string {
    const taken = this.shop.intentsOf(orderId, this.world()).find((one) => one.amount_received > 0);
    if (taken === undefined) throw new Error(`nothing of order ${orderId} is captured`);
    return taken.id;
  }

  /** The customer's bank opens a dispute or an inquiry, whose webhooks may be lost. */
  open(orderId: string, spec: { kind?: 'dispute' | 'inquiry'; reason?: string; dueInMs?: number } = {}): string {
    return this.world().simulator.openDispute({ paymentIntent: this.paymentOf(orderId), ...spec }).id;
  }

  /** Opens one and waits until it is recorded and its evidence is collected. */
  async opened(orderId: string, spec: Parameters<Disputes['open']>[1] = {}): Promise<string> {
    const disputeId = this.open(orderId, spec);
    await this.until(disputeId, 'evidence to be collected', (one) => one.evidenceCollectedAt !== undefined);
    return disputeId;
  }

  /** Starts a dispute's workflow by hand, as if any of its webhooks had come. */
  async wake(disputeId: string): Promise<void> {
    const { taskQueue, client } = this.world();
    const start = disputeStart(disputeId, { taskQueue, policy: this.policy });
    const { workflowIdConflictPolicy: _policy, ...options } = start;
    await client.workflow.signalWithStart(workflowTypes.dispute, { ...options, signal: disputeChanged });
  }

  find(disputeId: string): Promise<DisputeView | undefined> {
    return this.world().dependencies.disputes.getDispute(disputeId);
  }

  async view(disputeId: string): Promise<DisputeView> {
    const found = await this.find(disputeId);
    if (found === undefined) throw new Error(`no dispute ${disputeId}`);
    return found;
  }

  until(disputeId: string, what: string, holds: (view: DisputeView) => boolean): Promise<DisputeView> {
    return eventually(what, async () => {
      const view = await this.find(disputeId);
      return view !== undefined && holds(view) && view;
    });
  }

  decide(disputeId: string, command: Partial<DisputeCommand> = {}): Promise<DisputeAnswer> {
    const handle = this.world().client.workflow.getHandle(workflowIds.dispute(disputeId));
    return handle.executeUpdate(decideDispute, { args: [{ action: 'submit', actor: 'op-1', ...command }] });
  }

  /** Moves the clock of a dispute's workflow; the simulator's follows. */
  async forward(disputeId: string, ms: number): Promise<void> {
    const { temporalNamespace } = testEnvironment();
    await fastForward(await getConnection(), temporalNamespace, workflowIds.dispute(disputeId), ms);
  }

  /** Moves it to a moment before (or after, where negative) the provider's deadline. */
  async forwardToDeadline(disputeId: string, beforeMs: number): Promise<void> {
    const { temporalNamespace } = testEnvironment();
    const clock = await virtualTime(await getConnection(), temporalNamespace, workflowIds.dispute(disputeId));
    const { dueBy = '' } = await this.view(disputeId);
    await this.forward(disputeId, Date.parse(dueBy) - beforeMs - (clock?.nowMs ?? Date.now()));
  }

  endOf(disputeId: string): Promise<unknown> {
    return this.world().client.workflow.getHandle(workflowIds.dispute(disputeId)).result();
  }
}

/** What tests do with early fraud warnings in one world. */
export class FraudWarnings {
  constructor(private readonly world: () => World) {}

  /** The issuer reports fraud with a payment; answers once it is recorded. */
  async raised(paymentIntent: string, fraudType?: string): Promise<string> {
    const { simulator } = this.world();
    const { id } = simulator.raiseFraudWarning({ paymentIntent, ...(fraudType !== undefined && { fraudType }) });
    await this.until(id, 'the warning to be recorded', () => true);
    return id;
  }

  find(warningId: string): Promise<FraudWarningView | undefined> {
    return this.world().dependencies.disputes.getFraudWarning(warningId);
  }

  until(warningId: string, what: string, holds: (view: FraudWarningView) => boolean): Promise<FraudWarningView> {
    return eventually(what, async () => {
      const view = await this.find(warningId);
      return view !== undefined && holds(view) && view;
    });
  }

  decide(warningId: string, action: FraudWarningCommand['action'], actor = 'op-1'): Promise<FraudWarningAnswer> {
    const handle = this.world().client.workflow.getHandle(workflowIds.fraudWarning(warningId));
    return handle.executeUpdate(decideFraudWarning, { args: [{ action, actor }] });
  }

  async forward(warningId: string, ms: number): Promise<void> {
    const { temporalNamespace } = testEnvironment();
    await fastForward(await getConnection(), temporalNamespace, workflowIds.fraudWarning(warningId), ms);
  }

  endOf(warningId: string): Promise<unknown> {
    return this.world().client.workflow.getHandle(workflowIds.fraudWarning(warningId)).result();
  }
}
