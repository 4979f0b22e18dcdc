export { createPaymentCache } from './payment-cache';
export type { CachedPaymentMethod, PaymentCache, PaymentCacheOptions } from './payment-cache';
