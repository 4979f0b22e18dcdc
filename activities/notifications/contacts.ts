import type { Contact, FindContact } from './channel';

export interface ContactSources {
  readonly ofOrder: (orderId: string) => Promise<Contact | undefined>;
  readonly ofProviderCustomer: (stripeCustomerId: string) => Promise<Contact | undefined>;
  /** Where the shop's own people read. Absent: they are not mailed. */
  readonly shopEmail?: string;
}

/** Looks a recipient up where its address is kept. Nothing is remembered: a customer's new address counts at once. */
export function contactLookup(sources: ContactSources): FindContact {
  return async (recipient) => {
    switch (recipient.to) {
      case 'order_customer':
        return sources.ofOrder(recipient.orderId);
      case 'provider_customer':
        return sources.ofProviderCustomer(recipient.stripeCustomerId);
      case 'shop':
        return sources.shopEmail === undefined ? undefined : { email: sources.shopEmail };
    }
  };
}
