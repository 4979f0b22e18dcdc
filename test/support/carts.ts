import type { CheckoutRequest } from '../../clients/client';
import { uniqueName } from './environment';

/** A cart that the sample catalogue can serve. */
export function sampleCart(changes: Partial<CheckoutRequest> = {}): CheckoutRequest {
  return {
    cartId: uniqueName('cart'),
    currency: 'eur',
    customer: { id: uniqueName('cust'), email: 'buyer@example.com' },
    lines: [{ sku: 'MUG-BLUE', quantity: 2, unitAmount: 1290 }],
    shippingAmount: 490,
    taxAmount: 570,
    paymentMethod: 'pm_card_visa',
    ...changes,
  };
}
