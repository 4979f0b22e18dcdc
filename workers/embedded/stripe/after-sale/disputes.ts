import type { Account } from '../state/account';
import { submitEvidence } from './dispute-life';
import { closeDispute, disputes, isInquiry, isOpen } from './dispute-states';
import { invalidParameter, noSuch, refused } from '../http/errors';
import { listPage } from '../http/lists';
import { mergeMetadata } from '../state/metadata';
import type { Dispute, StoredDispute } from './money-model';
import { disputeList, disputeUpdate, EVIDENCE_FIELDS, FILE_EVIDENCE } from './money-shapes';
import { ofPayment } from '../payments/payment-filter';
import { route } from '../http/request';
import type { Parsed } from '../http/schema';
import { expand } from '../state/shapes';

/** The most characters of all evidence together. https://docs.stripe.com/api/disputes/update */
const MAX_EVIDENCE = 150_000;

type Evidence = NonNullable<Parsed<typeof disputeUpdate>['evidence']>;

export const disputeRoutes = [
  route('GET', '/v1/disputes/:id', expand, ({ account, ids }) => find(account, ids).object),
  route('GET', '/v1/disputes', disputeList, ({ account, params }) =>
    listPage(account.of(disputes), params, {
      url: '/v1/disputes',
      ...ofPayment(params, (dispute: StoredDispute) => dispute.object),
      created: ({ object }) => object.created,
      render: ({ object }) => object,
    }),
  ),
  route('POST', '/v1/disputes/:id', disputeUpdate, ({ account, ids, params, cause }) => {
    const stored = find(account, ids);
    const dispute = stored.object;
    const { evidence, submit, intended_submission_method: method } = params;
    if (evidence !== undefined || submit === true) assertAwaitsEvidence(dispute);
    if (evidence !== undefined) addEvidence(dispute, evidence);
    if (method !== undefined) dispute.intended_submission_method = method;
    dispute.metadata = mergeMetadata(dispute.metadata, params.metadata);
    // Metadata alone submits nothing, although `submit` is true by default.
    const submits = submit ?? evidence !== undefined;
    if (submits && dispute.evidence_details.has_evidence) submitEvidence(account, stored, cause);
    else account.log.emit('charge.dispute.updated', dispute, cause);
    return dispute;
  }),
  route('POST', '/v1/disputes/:id/close', expand, ({ account, ids, cause }) => {
    const stored = find(account, ids);
    if (!isOpen(stored.object)) throw refused('This dispute is already closed.');
    closeDispute(account, stored, isInquiry(stored.object) ? 'warning_closed' : 'lost', cause);
    return stored.object;
  }),
];

function find(account: Account, [id = '']: readonly string[]): StoredDispute {
  const dispute = account.of(disputes).get(id);
  if (dispute === undefined) throw noSuch('dispute', id, 'dispute', 404);
  return dispute;
}

/** The bank accepts evidence once, and only until the deadline. */
function assertAwaitsEvidence(dispute: Dispute): void {
  if (!isOpen(dispute)) throw refused('This dispute is already closed.');
  if (!dispute.status.endsWith('needs_response'))
    throw refused(`Evidence for this dispute has already been submitted: it is ${dispute.status}.`);
  if (dispute.evidence_details.past_due)
    throw refused('The deadline for submitting evidence for this dispute has passed.');
}

function addEvidence(dispute: Dispute, evidence: Evidence): void {
  const fields = Object.entries(evidence).filter(([name]) => EVIDENCE_FIELDS.includes(name)) as [
    string,
    string | null,
  ][];
  for (const [name, value] of fields) {
    // Files are uploaded elsewhere first; text in the place of a file's id is a common mistake.
    if ((FILE_EVIDENCE as readonly string[]).includes(name) && value !== null && !value.startsWith('file_'))
      throw noSuch('file upload', value, `evidence[${name}]`, 400);
  }
  const changed = { ...dispute.evidence, ...Object.fromEntries(fields) };
  const texts = EVIDENCE_FIELDS.map((name) => changed[name]).filter((value) => typeof value === 'string');
  if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_EVIDENCE)
    throw invalidParameter(`Evidence can have up to ${MAX_EVIDENCE} characters in all.`, 'evidence');
  dispute.evidence = changed;
  dispute.evidence_details.has_evidence = texts.length > 0;
}
