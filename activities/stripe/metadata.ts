/** Keys of the metadata by which our objects are found again at the provider. At most 40 characters each. */
export const metadataKeys = {
  order: 'holdfast_order_id',
  cart: 'holdfast_cart_id',
  /** Of a PaymentIntent: the key of the attempt that made it. */
  operation: 'holdfast_operation_key',
  attempt: 'holdfast_attempt',
  customer: 'holdfast_customer_id',
  /** Of a PaymentIntent: the key of the last capture. */
  capture: 'holdfast_capture_key',
  /** Of an unconfirmed PaymentIntent that only takes an idempotency key out of use: the key. */
  sealed: 'holdfast_sealed_key',
} as const;
