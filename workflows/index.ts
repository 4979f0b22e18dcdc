/** The bundle's only entry: every workflow by name. */
export { checkout } from './checkout/workflow';
export { dispute } from './dispute/workflow';
export { fraudWarning } from './fraud-warning/workflow';
export { order } from './order/workflow';
export { reconcileSettlement } from './settlement/workflow';
export { refund } from './refund/workflow';
export { subscription } from './subscription/workflow';
