import type { Account, Resource, Stored } from './account';
import type { RequestRecord } from '../http/api';
import type { EventDelivery, StoredEvent } from './events';
import { balanceTransactions } from '../after-sale/balance';
import { disputes } from '../after-sale/dispute-states';
import { fraudWarnings } from '../after-sale/fraud-warnings';
import type { IdempotencyEntry, IdempotencyStore } from '../http/idempotency';
import type { Charge, Customer, PaymentIntent, PaymentMethod } from './model';
import type { BalanceTransaction, Dispute, EarlyFraudWarning, Refund } from '../after-sale/money-model';
import type { RequestLog } from '../http/request-log';
import { refunds } from '../after-sale/refund-life';
import { resourceAt, RESOURCES } from '../http/resources';

/** An event with the delivery of its webhook. */
export interface EventView {
  readonly id: string;
  readonly type: string;
  /** Seconds since the epoch, by the simulator's clock. */
  readonly created: number;
  readonly delivery: EventDelivery;
  readonly objectId: string;
  /** The snapshot that the event carries. */
  readonly object: Record<string, unknown>;
}

/** Reads the account without the API; the results must not be changed. */
export interface SimulatorState {
  readonly customers: () => readonly Readonly<Customer>[];
  readonly paymentMethods: () => readonly Readonly<PaymentMethod>[];
  readonly paymentIntents: () => readonly Readonly<PaymentIntent>[];
  readonly paymentIntent: (id: string) => Readonly<PaymentIntent> | undefined;
  readonly charges: () => readonly Readonly<Charge>[];
  readonly chargesOf: (paymentIntentId: string) => readonly Readonly<Charge>[];
  readonly refunds: () => readonly Readonly<Refund>[];
  readonly balanceTransactions: () => readonly Readonly<BalanceTransaction>[];
  readonly disputes: () => readonly Readonly<Dispute>[];
  readonly earlyFraudWarnings: () => readonly Readonly<EarlyFraudWarning>[];
  /** The objects of one kind as the API answers them, by the name in its paths (`refunds`); undefined for no such kind. */
  readonly objects: (path: string) => readonly object[] | undefined;
  /** The newest events, oldest first (see `limits.events`). */
  readonly events: () => readonly EventView[];
  readonly idempotencyEntries: () => readonly Readonly<IdempotencyEntry>[];
  /** The newest API requests, oldest first (see `limits.requests`). */
  readonly requests: () => readonly Readonly<RequestRecord>[];
  /** Everything as JSON, for another process. */
  readonly snapshot: () => object;
}

/** The state of one account; each call reads it as it is at that moment. */
export function stateOf(account: Account, idempotency: IdempotencyStore, requests: RequestLog): SimulatorState {
  const state: Omit<SimulatorState, 'snapshot'> = {
    customers: () => account.customers.values(),
    paymentMethods: () => account.paymentMethods.values().map((method) => method.object),
    paymentIntents: () => account.paymentIntents.values().map((intent) => intent.object),
    paymentIntent: (id) => account.paymentIntents.get(id)?.object,
    charges: () => account.charges.values(),
    chargesOf: (paymentIntentId) => account.charges.filed('payment_intent', paymentIntentId),
    refunds: () =>
      account
        .of(refunds)
        .values()
        .map((refund) => refund.object),
    balanceTransactions: () => rendered(account, balanceTransactions) as BalanceTransaction[],
    disputes: () =>
      account
        .of(disputes)
        .values()
        .map((dispute) => dispute.object),
    earlyFraudWarnings: () => account.of(fraudWarnings).values(),
    objects: (path) => {
      const resource = resourceAt(path);
      return resource === undefined ? undefined : rendered(account, resource);
    },
    events: () => account.log.events.values().map(viewOf),
    idempotencyEntries: () => idempotency.values(),
    requests: () => requests.values(),
  };
  return { ...state, snapshot: () => snapshotOf(account, state) };
}

/** An event for readers outside: its snapshot is parsed again, so that they cannot change the stored one. */
export function viewOf(event: StoredEvent): EventView {
  const { id, type, created, delivery, objectId } = event;
  return { id, type, created, delivery, objectId, object: JSON.parse(event.objectJson) as Record<string, unknown> };
}

function snapshotOf(account: Account, state: Omit<SimulatorState, 'snapshot'>): object {
  return {
    nowMs: account.clock.now(),
    ...Object.fromEntries(RESOURCES.map((resource) => [resource.snapshot, rendered(account, resource)])),
    events: state.events(),
    idempotencyEntries: state.idempotencyEntries(),
    requests: state.requests(),
  };
}

function rendered(account: Account, resource: Resource<Stored>): object[] {
  return account
    .of(resource)
    .values()
    .map((stored) => resource.render(stored, account));
}
