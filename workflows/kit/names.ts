/** Workflow ids. Source: the public interface. */
export const workflowIds = {
  checkout: (cartId: string): string => `checkout-${cartId}`,
  order: (orderId: string): string => `order-${orderId}`,
  refund: (refundId: string): string => `refund-${refundId}`,
  dispute: (disputeId: string): string => `dispute-${disputeId}`,
  fraudWarning: (warningId: string): string => `fraud-warning-${warningId}`,
  subscription: (subscriptionId: string): string => `subscription-${subscriptionId}`,
  reconciliation: (name: string, date: string): string => `reconciliation-${name}-${date}`,
} as const;

/** Workflow types, as they are named in `workflows/index.ts`. */
export const workflowTypes = {
  checkout: 'checkout',
  order: 'order',
  refund: 'refund',
  dispute: 'dispute',
  fraudWarning: 'fraudWarning',
  subscription: 'subscription',
  reconcileSettlement: 'reconcileSettlement',
} as const;
