import Stripe from 'stripe';
import { isUndecided } from '../../../workflows/domain/dispute/dispute';
import type { DisputeDecision, DisputeRecord } from '../../../workflows/domain/dispute/dispute';
import { isPending } from '../../../workflows/domain/dispute/plan';
import { operationKeys } from '../../../workflows/domain/shared/operation-keys';
import type { DisputeActivities, DisputeProviderActivities, DisputeStep } from '../../../workflows/dispute/ports';
import type { DisputeStore, EvidenceFields } from '../../storage';
import { activity, type PaymentContext } from '../context';
import { disputeSnapshot } from './snapshot';
import { isDefiniteRefusal, isKeyReused, isUnknownOutcome, noneIfMissing, unknownObject, retryLater } from '../errors';
import { evidenceFields } from './evidence';
import { sendKeyed } from '../keyed';
import type { ProviderSession } from '../provider';

/** The activities of disputes on Stripe: see `DisputeProviderActivities` for the contract of each. */
export function createDisputeActivities(context: PaymentContext, store: DisputeRecords): DisputeProviderActivities {
  const disputes = new StripeDisputes(context, store);
  return {
    syncDispute: (input) => disputes.sync(input),
    collectEvidence: (input) => disputes.collect(input),
    carryOutDispute: (input) => disputes.carryOut(input),
  };
}

type DisputeRecords = DisputeStore & Pick<DisputeActivities, 'loadDispute'>;

class StripeDisputes {
  constructor(
    private readonly context: PaymentContext,
    private readonly store: DisputeRecords,
  ) {}

  sync({ disputeId, now }: DisputeStep): Promise<DisputeRecord | null> {
    const atRisk = `our record of dispute ${disputeId} may be out of date; nothing was changed at the provider`;
    const call = { operation: 'syncDispute', atRisk, priority: 'background' } as const;
    return activity(this.context, call, (session) => this.look(session, disputeId, now));
  }

  collect({ disputeId, now }: DisputeStep): Promise<DisputeRecord> {
    const atRisk = `dispute ${disputeId} may have no evidence at the provider; it is collected again before it is sent`;
    const call = { operation: 'collectEvidence', atRisk, priority: 'background' } as const;
    return activity(this.context, call, async (session) => {
      const { record } = await this.store.known(disputeId);
      if (!isUndecided(record)) return record;
      const evidence = await this.evidence(session, disputeId);
      await this.store.keepEvidence({ disputeId, fields: evidence, now });
      await this.stage(session, disputeId, evidence);
      return (await this.store.known(disputeId)).record;
    });
  }

  async carryOut({ disputeId, now }: DisputeStep): Promise<DisputeRecord> {
    const { record } = await this.store.known(disputeId);
    const { decision } = record;
    if (decision === undefined || !isPending(record)) return record;
    const atRisk = `the answer to dispute ${disputeId} (${decision.action}) may not have reached the bank`;
    const priority = decision.actor === 'holdfast' ? 'background' : 'interactive';
    const call = { operation: 'carryOutDispute', orderId: record.orderId, atRisk, priority } as const;
    return activity(this.context, call, (session) => this.send(session, record, decision, now));
  }

  /** Fetches the dispute and records it; null if it is about no payment of ours, or neither the provider nor we know it. */
  private async look(session: ProviderSession, disputeId: string, now: string): Promise<DisputeRecord | null> {
    const fetchedAtMs = this.context.now();
    const dispute = await session.read('disputes.retrieve', () =>
      this.context.stripe.disputes.retrieve(disputeId).catch(noneIfMissing),
    );
    if (dispute === undefined) {
      if ((await this.store.loadDispute({ disputeId })) === null) return null;
      throw unknownObject(session.call, `dispute ${disputeId}, which is recorded here`);
    }
    return this.record(session, dispute, fetchedAtMs, now);
  }

  private async record(
    session: ProviderSession,
    dispute: Stripe.Dispute,
    fetchedAtMs: number,
    now: string,
  ): Promise<DisputeRecord | null> {
    // The SDK treats any JSON without an `error` as a success, whatever its status.
    if (dispute.object !== 'dispute') throw retryLater(session.call, 'the provider’s answer is not a dispute');
    const snapshot = disputeSnapshot(dispute, fetchedAtMs);
    return (snapshot && (await this.store.record(snapshot, now))) ?? null;
  }

  private async evidence(session: ProviderSession, disputeId: string): Promise<EvidenceFields> {
    const source = await this.store.evidenceSource(disputeId);
    const charge = await session.read('charges.retrieve', () => this.context.stripe.charges.retrieve(source.chargeId));
    return evidenceFields(source, charge);
  }

  /**
   * Stages evidence without submitting it, so that people see it in the provider's dashboard. Without an idempotency key: staging
   * twice does no harm, and the evidence may differ between tries. After a refusal (somebody else has submitted or closed the
   * dispute) the next look finds the new state.
   */
  private async stage(session: ProviderSession, disputeId: string, evidence: EvidenceFields): Promise<void> {
    try {
      await session.write('disputes.update', () =>
        this.context.stripe.disputes.update(disputeId, { evidence, submit: false }),
      );
    } catch (error) {
      if (isUnknownOutcome(error)) throw retryLater(session.call, 'the provider failed while evidence was staged');
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
      this.context.log.warn({ disputeId, code: error.code }, 'evidence could not be staged at the provider');
    }
  }

  /** Sends a decision once, and looks its outcome up if the answer leaves it unknown. */
  private async send(
    session: ProviderSession,
    record: DisputeRecord,
    decision: DisputeDecision,
    now: string,
  ): Promise<DisputeRecord> {
    const { disputeId, round } = record;
    const { action, attempt } = decision;
    const key = operationKeys.disputeEvidence(disputeId, `${action}:${round}:${attempt}`);
    const request = await this.requestOf(session, record, decision, key, now);
    // A decision that cannot be written as a request was not sent, so a corrected one must be possible.
    const isUnsendable = (error: unknown) =>
      error instanceof URIError || error instanceof TypeError || error instanceof RangeError;
    const isRefused = (error: unknown) =>
      (error instanceof Stripe.errors.StripeInvalidRequestError && isDefiniteRefusal(error)) || isUnsendable(error);
    return sendKeyed(this.context, session, {
      operationKey: key,
      send: async (idempotencyKey) => {
        const sentAtMs = this.context.now();
        const answer = await request(idempotencyKey);
        // A replayed answer shows the state at the first use of the key.
        const isReplayed = answer.lastResponse?.headers['idempotent-replayed'] === 'true';
        const after = isReplayed
          ? await this.look(session, disputeId, now)
          : await this.record(session, answer, sentAtMs, now);
        return after ?? record;
      },
      isInDoubt: (error) => isRefused(error) || isUnknownOutcome(error) || isKeyReused(error),
      lookUp: async (error) => {
        const after = await this.look(session, disputeId, now);
        if (after === null || !isPending(after)) return after ?? record;
        if (!isRefused(error)) return undefined;
        const code = isUnsendable(error) ? 'cannot_be_sent' : (error as Stripe.errors.StripeError).code;
        return this.store.recordRefusal({ disputeId, attempt, code: code ?? 'refused', now });
      },
    });
  }

  /** Builds the same request for every retry: the evidence is stored under the key first, because newer facts would change it. */
  private async requestOf(
    session: ProviderSession,
    { disputeId }: DisputeRecord,
    { action }: DisputeDecision,
    key: string,
    now: string,
  ): Promise<(idempotencyKey: string) => Promise<Stripe.Response<Stripe.Dispute>>> {
    const { stripe } = this.context;
    if (action === 'accept') {
      return (idempotencyKey) =>
        session.write('disputes.close', () => stripe.disputes.close(disputeId, {}, { idempotencyKey }));
    }
    const fields = await this.evidence(session, disputeId);
    const evidence = await this.store.keepEvidence({ disputeId, fields, sealFor: key, now });
    return (idempotencyKey) =>
      session.write('disputes.update', () =>
        stripe.disputes.update(disputeId, { evidence, submit: true }, { idempotencyKey }),
      );
  }
}
