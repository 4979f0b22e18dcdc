import type { OrderException } from '../exception/exception';
import type { InvoiceFacts, SubscriptionFacts, SubscriptionItem } from './subscription';
import type { NoticeView } from '../notice/notices';
import type { Party } from '../shared/waiting';

/** A notice as a subscription shows it. */
export type SubscriptionNoticeView = Pick<NoticeView, 'noticeKey' | 'kind' | 'status' | 'dueAt' | 'sentAt'>;

/** A change of plan, or the cost of a change (negative: a credit). Amounts in minor units. */
export type SubscriptionChangeView =
  | {
      readonly kind: 'plan';
      readonly before: readonly SubscriptionItem[];
      readonly after: readonly SubscriptionItem[];
      readonly occurredAt: string;
    }
  | {
      readonly kind: 'proration';
      readonly invoiceId: string;
      readonly prorationAmount: number;
      readonly currency: string;
      readonly occurredAt: string;
    };

/** Without the link to the invoice's page, which shows the customer's name and lets anybody pay. */
export type SubscriptionInvoiceView = Omit<InvoiceFacts, 'hostedUrl'>;

/**
 * A subscription as the gateway, the client library and the command line show it; from Postgres, so it answers while workers
 * are down. No personal data.
 */
export interface SubscriptionView extends Pick<
  SubscriptionFacts,
  | 'subscriptionId'
  | 'stripeCustomerId'
  | 'providerStatus'
  | 'stage'
  | 'trial'
  | 'entitled'
  | 'exhausted'
  | 'currency'
  | 'items'
  | 'cancelAtPeriodEnd'
  | 'hasPaymentMethod'
  | 'currentPeriodEnd'
  | 'trialEndsAt'
  | 'endedAt'
  | 'endReason'
  | 'upcomingAmount'
> {
  /** The invoice that is being collected, else the newest. */
  readonly invoice?: SubscriptionInvoiceView;
  /** Notices to the customer, sent or waiting, oldest first. */
  readonly notices: readonly SubscriptionNoticeView[];
  /** Oldest first. */
  readonly changes: readonly SubscriptionChangeView[];
  readonly waitingOn?: Party;
  readonly waitingUntil?: string;
  readonly waitingFor?: string;
  readonly exception?: OrderException;
  /** When the provider was last asked. */
  readonly fetchedAt: string;
  /** When it was first recorded; lists are ordered by it. */
  readonly recordedAt: string;
}
