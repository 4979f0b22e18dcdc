/** The bundle's only entry: every workflow by name. */
export { checkout } from './checkout';
export { order } from './order';
export { reconcileSettlement } from './reconciliation';
