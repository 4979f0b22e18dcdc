import type { AuthorizationReport } from '../../workflows/domain/payment/authorization-rates';
import type { DisputeView, FraudWarningView } from '../../workflows/domain/dispute/view';
import type { FieldProblem } from '../../workflows/domain/shared/errors';
import type { ExceptionView } from '../../workflows/domain/exception/actions';
import type {
  NoticeStatus,
  NoticeSubjectType,
  NoticeView,
  SendNoticeAgainAnswer,
} from '../../workflows/domain/notice/notices';
import type { OrderState } from '../../workflows/domain/order/state';
import type { OrderView } from '../../workflows/domain/order/view';
import type { RefundFacts } from '../../workflows/domain/refund/refund';
import type { Party } from '../../workflows/domain/shared/waiting';
import type { SettlementReport } from '../../workflows/settlement/ports';
import type { SubscriptionStage } from '../../workflows/domain/subscription/subscription';
import type { SubscriptionView } from '../../workflows/domain/subscription/view';
import type { ResolveCommand } from '../../workflows/kit/messages';
import type { HoldfastClient } from '../client/client';

// What the gateway needs from storage and from the payment provider; workers/dependencies provides it.

export interface OrderQueries {
  getOrder(orderId: string): Promise<OrderView | undefined>;
  findOrderByCart(cartId: string): Promise<OrderView | undefined>;
  getRefund(refundId: string): Promise<RefundFacts | undefined>;
  /** Latest first; `before` is a `placedAt`. */
  listOrders(filter: {
    readonly state?: OrderState;
    readonly waitingOn?: Party;
    readonly limit: number;
    readonly before?: string;
  }): Promise<OrderView[]>;
  /** Orders that are overdue at `now` or have an open exception. */
  listStuck(filter: { readonly now: string; readonly limit: number }): Promise<OrderView[]>;
  /** Open ones, oldest first. */
  listExceptions(limit: number, orderId?: string): Promise<ExceptionView[]>;
  /** An open or resolved exception. */
  getException(exceptionId: string): Promise<ExceptionView | undefined>;
  /** Closes an exception whose workflow has ended. */
  dismissException(input: ResolveCommand & { readonly workflowId: string }): Promise<boolean>;
  /** Compares a cart with the catalogue: unknown SKUs, another currency, other prices. */
  checkCatalogue(
    currency: string,
    lines: readonly { readonly sku: string; readonly quantity: number; readonly unitAmount: number }[],
  ): Promise<readonly FieldProblem[]>;
}

/** A provider's event on its way into the inbox. */
export interface InboxEvent {
  readonly eventId: string;
  readonly provider: 'stripe';
  readonly type: string;
  readonly objectId?: string;
  readonly paymentIntentId?: string;
  readonly payload: unknown;
  readonly createdAt: string;
}

export interface Inbox {
  /** Resolves after the commit. */
  receive(event: InboxEvent): Promise<'stored' | 'duplicate'>;
  countByStatus(): Promise<Readonly<Record<string, number>>>;
}

export interface Outbox {
  countUnpublished(): Promise<number>;
}

/** The right to answer a request; lasts as long as it is renewed. */
export interface IdempotencyLease {
  readonly scope: string;
  readonly key: string;
  readonly token: string;
}

export type IdempotencyBegin =
  | { readonly kind: 'new'; readonly lease: IdempotencyLease }
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in_flight' };

export interface IdempotencyStore {
  begin(scope: string, key: string, fingerprint: string): Promise<IdempotencyBegin>;
  renew(lease: IdempotencyLease): Promise<void>;
  /** Keeps a final answer. */
  finish(lease: IdempotencyLease, status: number, body: unknown): Promise<void>;
  /** The answer may change: the same request may be sent again under this key, another may not. */
  release(lease: IdempotencyLease): Promise<void>;
  /** The request changed nothing: the key is free for any other request. */
  forget(lease: IdempotencyLease): Promise<void>;
}

/** An event whose signature was verified. */
export interface VerifiedEvent {
  readonly eventId: string;
  readonly type: string;
  readonly objectId?: string;
  readonly paymentIntentId?: string;
  readonly createdAt: string;
  readonly payload: unknown;
}

/** Checks the signature over the exact bytes; throws an error named `WebhookRejected` with a `reason`. */
export type VerifyWebhook = (rawBody: Buffer, signature: string | undefined) => VerifiedEvent;

/** Checks by the name of the dependency; a check rejects where the dependency cannot be used. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

export interface SettlementReports {
  getReport(date: string): Promise<SettlementReport | undefined>;
}

export interface PaymentRates {
  /** Times as UTC ISO strings; `to` is exclusive. */
  authorizationRates(filter: {
    readonly from: string;
    readonly to: string;
    readonly limit?: number;
  }): Promise<AuthorizationReport>;
}

export interface ListNotices {
  readonly subject?: { readonly type: NoticeSubjectType; readonly id: string };
  readonly orderId?: string;
  readonly status?: NoticeStatus;
  readonly limit: number;
}

export interface NoticeQueries {
  /** Latest first. */
  listNotices(filter: ListNotices): Promise<NoticeView[]>;
  /** Notices that wait, failed or are in doubt, by status. */
  countOpen(): Promise<Readonly<Record<string, number>>>;
  sendAgain(noticeKey: string, actor: string): Promise<SendNoticeAgainAnswer>;
}

export interface SubscriptionQueries {
  getSubscription(subscriptionId: string): Promise<SubscriptionView | undefined>;
  /** Latest first; `before` is a `recordedAt`. */
  listSubscriptions(filter: {
    readonly stage?: SubscriptionStage;
    readonly limit: number;
    readonly before?: string;
  }): Promise<SubscriptionView[]>;
}

/** Disputes and early fraud warnings; both lists latest first. */
export interface DisputeQueries {
  getDispute(disputeId: string): Promise<DisputeView | undefined>;
  listDisputes(filter: { readonly open?: boolean; readonly limit: number }): Promise<DisputeView[]>;
  getFraudWarning(warningId: string): Promise<FraudWarningView | undefined>;
  listFraudWarnings(filter: { readonly open?: boolean; readonly limit: number }): Promise<FraudWarningView[]>;
}

export interface GatewayDeps {
  readonly holdfast: Omit<HoldfastClient, 'status' | 'describe' | 'subscriptionStatus'>;
  readonly orders: OrderQueries;
  readonly settlement: SettlementReports;
  readonly notices: NoticeQueries;
  readonly rates: PaymentRates;
  readonly disputes: DisputeQueries;
  readonly subscriptions: SubscriptionQueries;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly idempotency: IdempotencyStore;
  readonly verifyWebhook: VerifyWebhook;
  /** E.g. `postgres` and `temporal`: the gateway is ready only where all of them answer. */
  readonly readiness: ReadinessChecks;
  /** E.g. `redis`: shown, but the gateway is ready without it. */
  readonly optionalReadiness?: ReadinessChecks;
}
