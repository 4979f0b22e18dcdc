import type { z } from 'zod';
import type { listDisputesQuery } from '../../schemas/disputes';
import type { listExceptionsQuery } from '../../schemas/exceptions';
import type { listOrdersQuery } from '../../schemas/orders';
import type { listSubscriptionsQuery } from '../../schemas/subscriptions';
import type { DisputeView, FraudWarningView } from '../../../workflows/domain/dispute/view';
import type { ExceptionActions, ExceptionView } from '../../../workflows/domain/exception/actions';
import type { OrderView } from '../../../workflows/domain/order/view';
import type { RefundFacts } from '../../../workflows/domain/refund/refund';
import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import { UnexpectedAnswer } from '../errors';
import { segment } from './segment';
import type { Transport } from './transport';

/** An exception, and the actions with which a person can end it. */
export type ExceptionShown = ExceptionView & ExceptionActions;

/** Reads from Postgres, which work while workers are down. Undefined for an unknown id. */
export interface ReadingVerbs {
  getOrder(orderId: string): Promise<OrderView | undefined>;
  /** Latest first. */
  listOrders(query?: z.input<typeof listOrdersQuery>): Promise<readonly OrderView[]>;
  getRefund(refundId: string): Promise<RefundFacts | undefined>;
  getDispute(disputeId: string): Promise<DisputeView | undefined>;
  /** Latest first. */
  listDisputes(query?: z.input<typeof listDisputesQuery>): Promise<readonly DisputeView[]>;
  getFraudWarning(warningId: string): Promise<FraudWarningView | undefined>;
  /** Latest first. */
  listFraudWarnings(query?: z.input<typeof listDisputesQuery>): Promise<readonly FraudWarningView[]>;
  getSubscription(subscriptionId: string): Promise<SubscriptionView | undefined>;
  /** Latest first. */
  listSubscriptions(query?: z.input<typeof listSubscriptionsQuery>): Promise<readonly SubscriptionView[]>;
  getException(exceptionId: string): Promise<ExceptionShown | undefined>;
  /** Open ones, oldest first. */
  listExceptions(query?: z.input<typeof listExceptionsQuery>): Promise<readonly ExceptionShown[]>;
}

type Query = Readonly<Record<string, unknown>>;

/** The verbs over the gateway. */
export function readingVerbs(transport: Transport): ReadingVerbs {
  const one = async <View>(path: string, field: string, id: string): Promise<View | undefined> => {
    const target = `/v1/${path}/${segment(field, id)}`;
    const reply = await transport.get(target);
    if (reply.ok) return reply.body as View;
    if (reply.code === 'not_found') return undefined;
    throw new UnexpectedAnswer(`GET ${target}`, reply.status, reply.code);
  };
  const list = async <View>(path: string, member: string, query: Query = {}): Promise<readonly View[]> => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)])));
    const reply = await transport.get(`/v1/${path}${given.length === 0 ? '' : `?${search.toString()}`}`);
    if (reply.ok) return reply.body[member] as readonly View[];
    throw new UnexpectedAnswer(`GET /v1/${path}`, reply.status, reply.code);
  };
  return {
    getOrder: (id) => one('orders', 'orderId', id),
    listOrders: (query) => list('orders', 'orders', query),
    getRefund: (id) => one('refunds', 'refundId', id),
    getDispute: (id) => one('disputes', 'disputeId', id),
    listDisputes: (query) => list('disputes', 'disputes', query),
    getFraudWarning: (id) => one('fraud-warnings', 'warningId', id),
    listFraudWarnings: (query) => list('fraud-warnings', 'fraudWarnings', query),
    getSubscription: (id) => one('subscriptions', 'subscriptionId', id),
    listSubscriptions: (query) => list('subscriptions', 'subscriptions', query),
    getException: (id) => one('exceptions', 'exceptionId', id),
    listExceptions: (query) => list('exceptions', 'exceptions', query),
  };
}
