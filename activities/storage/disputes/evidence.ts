import type { Pool } from 'pg';
import type { DisputeRecord } from '../../../workflows/domain/dispute/dispute';
import type { OrderFacts } from '../../../workflows/domain/order/order';
import type { Keyring } from '../../crypto';
import { run, transact, type Transaction } from '../postgres/database';
import { readDispute } from './record';
import { utc } from '../postgres/documents';
import { notFound } from '../postgres/failures';
import { readOrder } from '../orders/record';
import type { PersonalData } from '../orders/place-order';
import { statement } from '../postgres/statements';

const sql = {
  source: statement('evidence-source'),
  get: statement('dispute-evidence'),
  keep: statement('dispute-evidence-keep'),
};

/** Everything in our records that the evidence of a dispute uses. Personal data: it never leaves the activities. */
export interface EvidenceSource {
  readonly dispute: DisputeRecord;
  readonly chargeId: string;
  readonly order: OrderFacts;
  readonly customer: PersonalData;
  /** Product names by SKU. */
  readonly productNames: Readonly<Record<string, string>>;
  /** The notices that were sent to the customer about the order. */
  readonly notices: readonly { readonly kind: string; readonly sentAt: string }[];
  /** A person's text that replaces the summary. */
  readonly uncategorizedText?: string;
}

/** The provider's evidence fields by name. */
export type EvidenceFields = Readonly<Record<string, string>>;

/** The stored evidence of a dispute, encrypted. */
interface KeptEvidence {
  readonly fields?: EvidenceFields;
  /** Operation key of the submission that uses these fields: a retry must send the same ones. */
  readonly sealedFor?: string;
  readonly note?: string;
  readonly uncategorizedText?: string;
}

export interface KeepEvidenceInput {
  readonly disputeId: string;
  readonly fields: EvidenceFields;
  /** Operation key of a submission. The fields stored first under it are sent. */
  readonly sealFor?: string;
  readonly now: string;
}

export interface EvidenceStore {
  /** @throws ApplicationFailure `NotFound` */
  evidenceSource(disputeId: string): Promise<EvidenceSource>;
  /** Stores evidence, encrypted. Returns the fields that are stored for this submission. */
  keepEvidence(input: KeepEvidenceInput): Promise<EvidenceFields>;
}

/** The texts of a person for one decision. */
interface EvidenceTexts {
  readonly disputeId: string;
  readonly note?: string;
  readonly uncategorizedText?: string;
}

export interface EvidenceKeeper extends EvidenceStore {
  /** The stored evidence with a person's texts added, encrypted; null if there are no texts. */
  withTexts(tx: Transaction, texts: EvidenceTexts): Promise<Uint8Array | null>;
  /** Names of the filled fields. Their content is shown only to the bank. */
  fieldNames(disputeId: string): Promise<string[]>;
}

export function createEvidenceStore(deps: {
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly now: () => Date;
}): EvidenceKeeper {
  const { pool, keyring } = deps;
  const open = (rows: readonly { readonly evidence: Buffer | null }[]): KeptEvidence => {
    const evidence = rows[0]?.evidence;
    return evidence ? (JSON.parse(Buffer.from(keyring.decrypt(evidence)).toString()) as KeptEvidence) : {};
  };
  const seal = (kept: KeptEvidence): Uint8Array => keyring.encrypt(Buffer.from(JSON.stringify(kept)));
  return {
    evidenceSource: (disputeId) => evidenceSource(pool, keyring, disputeId, open),
    keepEvidence: ({ disputeId, fields, sealFor, now }) =>
      transact(pool, async (tx) => {
        const kept = open(await tx.query(sql.get, [disputeId]));
        if (sealFor !== undefined && kept.sealedFor === sealFor) return kept.fields ?? {};
        const next = { ...kept, fields, ...(sealFor !== undefined && { sealedFor: sealFor }) };
        tx.write(sql.keep, [disputeId, seal(next), now, deps.now()]);
        return fields;
      }),
    async withTexts(tx, { disputeId, note, uncategorizedText }) {
      if (note === undefined && uncategorizedText === undefined) return null;
      const kept = open(await tx.query(sql.get, [disputeId]));
      return seal({
        ...kept,
        ...(note !== undefined && { note }),
        ...(uncategorizedText !== undefined && { uncategorizedText }),
      });
    },
    async fieldNames(disputeId) {
      const { fields = {} } = open(await run(pool, sql.get, [disputeId]));
      return Object.keys(fields).sort();
    },
  };
}

interface SourceRow {
  readonly personalData: Buffer;
  readonly names: Readonly<Record<string, string>> | null;
  readonly notices: readonly { readonly kind: string; readonly sentAt: string }[] | null;
}

async function evidenceSource(
  pool: Pool,
  keyring: Keyring,
  disputeId: string,
  open: (rows: readonly { readonly evidence: Buffer | null }[]) => KeptEvidence,
): Promise<EvidenceSource> {
  const kept = await readDispute(pool, disputeId);
  if (kept === undefined) throw notFound(`dispute ${disputeId}`);
  const { orderId } = kept.record;
  const [order, [row], texts] = await Promise.all([
    readOrder(pool, orderId),
    run<SourceRow>(pool, sql.source, [orderId]),
    run<{ readonly evidence: Buffer | null }>(pool, sql.get, [disputeId]),
  ]);
  if (order === undefined || row === undefined) throw notFound(`order ${orderId}`);
  const { uncategorizedText } = open(texts);
  return {
    dispute: kept.record,
    chargeId: kept.chargeId,
    order: order.facts,
    customer: JSON.parse(Buffer.from(keyring.decrypt(row.personalData)).toString()) as PersonalData,
    productNames: row.names ?? {},
    notices: (row.notices ?? []).map(({ kind, sentAt }) => ({ kind, sentAt: utc(sentAt) })),
    ...(uncategorizedText !== undefined && { uncategorizedText }),
  };
}
