/** The bundle's only entry: every workflow by name. */
export { checkout } from './checkout';
export { dispute } from './dispute';
export { fraudWarning } from './fraud-warning';
export { order } from './order';
export { reconcileSettlement } from './reconciliation';
export { refund } from './refund';
export { subscription } from './subscription';
