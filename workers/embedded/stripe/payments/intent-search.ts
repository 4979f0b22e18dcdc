import type { Account } from '../state/account';
import { invalidParameter } from '../http/errors';
import type { PaymentIntent } from '../state/model';

const DEFAULT_LIMIT = 10;
type Clause = (intent: PaymentIntent) => boolean;

/**
 * Stripe's search, as far as exact matches joined by AND go: `metadata['k']:'v' AND status:'succeeded'`. Like the
 * original it does not read its own writes: what is younger than `searchLagMs` is not found yet.
 */
export function searchIntents(account: Account, params: { query: string; limit?: number; page?: string }): object {
  const clauses = params.query.split(/\s+AND\s+/i).map(parseClause);
  const newestCreated = Math.floor((account.clock.now() - account.settings.searchLagMs) / 1000);
  const found = account.paymentIntents
    .values()
    .map((intent) => intent.object)
    .filter((intent) => intent.created <= newestCreated && clauses.every((clause) => clause(intent)))
    .reverse();
  const limit = params.limit ?? DEFAULT_LIMIT;
  const start = params.page === undefined ? 0 : Number(params.page);
  if (!Number.isSafeInteger(start) || start < 0) throw invalidParameter(`Invalid page: ${params.page}`, 'page');
  const data = found.slice(start, start + limit);
  const hasMore = found.length > start + limit;
  return {
    object: 'search_result',
    data,
    has_more: hasMore,
    next_page: hasMore ? String(start + limit) : null,
    url: '/v1/payment_intents/search',
  };
}

function parseClause(text: string): Clause {
  const byMetadata = /^metadata\[(['"])(.+?)\1\]\s*:\s*(['"])(.*?)\3$/.exec(text.trim());
  if (byMetadata !== null) {
    const [, , key = '', , value = ''] = byMetadata;
    return (intent) => intent.metadata[key] === value;
  }
  const byField = /^(status|customer|currency)\s*:\s*(['"])(.*?)\2$/.exec(text.trim());
  if (byField !== null) {
    const [, field, , value] = byField;
    return (intent) => intent[field as 'status' | 'customer' | 'currency'] === value;
  }
  throw invalidParameter(`We were unable to parse your search query: ${text}`, 'query');
}
