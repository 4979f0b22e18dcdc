import { BILLING_RESOURCES } from '../billing';
import { balanceTransactions } from '../after-sale/balance';
import { charges, customers, paymentIntents, paymentMethods } from '../state/core-resources';
import { armDispute } from '../after-sale/dispute-life';
import { disputes } from '../after-sale/dispute-states';
import { fraudWarnings } from '../after-sale/fraud-warnings';
import { refunds } from '../after-sale/refund-life';
import type { Resource, Stored } from '../state/account';

/**
 * Every kind of object of the account. A new kind joins here, its routes in router.ts, its settings in settings.ts and
 * its controls in controls.ts; journal, `expand` and state follow from its declaration.
 */
export const RESOURCES: readonly Resource<Stored>[] = [
  customers,
  paymentMethods,
  paymentIntents,
  charges,
  balanceTransactions,
  refunds,
  { ...disputes, rearm: armDispute } satisfies typeof disputes,
  fraudWarnings,
  ...BILLING_RESOURCES,
];

const BY_OBJECT = new Map(RESOURCES.map((resource) => [resource.object, resource]));
const BY_PATH = new Map(RESOURCES.map((resource) => [resource.path, resource]));

/** The resource by the name that Stripe gives its objects. */
export function resourceOf(object: string): Resource<Stored> | undefined {
  return BY_OBJECT.get(object);
}

/** The resource by the segment of its paths. */
export function resourceAt(path: string): Resource<Stored> | undefined {
  return BY_PATH.get(path);
}
