import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import type { PayAnswer } from '../../../workflows/subscription/messages';
import { paymentMethodRequest } from '../../schemas/orders';
import * as schemas from '../../schemas/subscriptions';
import { parse } from '../../schemas/validate';
import type { Outcome } from '../server/idempotency';
import type { Operation } from '../server/operation';
import type { GatewayDeps } from '../ports';
import { badRequest, notFound, Problem, unavailable } from '../server/problem';

type SubscriptionDeps = Pick<GatewayDeps, 'holdfast' | 'subscriptions'>;

/** Everything under `/v1/subscriptions`. Reading is from Postgres, so it answers while workers are down. */
export function subscriptionOperations(deps: SubscriptionDeps): Operation[] {
  return [list(deps), show(deps), pay(deps)];
}

function list({ subscriptions }: SubscriptionDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/subscriptions',
    name: 'listSubscriptions',
    summary: 'Subscriptions, latest first, each with its stage and the party it waits for.',
    query: schemas.listSubscriptionsQuery,
    answers: { 200: ['Subscriptions', schemas.subscriptionsAnswer] },
    problems: {},
    prepare: (call) => {
      const { stage, before, limit } = parse(schemas.listSubscriptionsQuery, call.query);
      const filter = { limit, ...(stage !== undefined && { stage }), ...(before !== undefined && { before }) };
      return async () => ({ status: 200, body: { subscriptions: await subscriptions.listSubscriptions(filter) } });
    },
  };
}

function show(deps: SubscriptionDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/subscriptions/:subscriptionId',
    name: 'getSubscription',
    summary: 'One subscription: its stage, invoice, notices and changes of plan.',
    answers: { 200: ['The subscription', schemas.subscriptionAnswer] },
    problems: { 404: 'No such subscription' },
    prepare: (call) => {
      const { subscriptionId } = parse(schemas.subscriptionParams, call.params);
      return async () => ({ status: 200, body: await existing(deps, subscriptionId) });
    },
  };
}

function pay(deps: SubscriptionDeps): Operation {
  return {
    method: 'POST',
    path: '/v1/subscriptions/:subscriptionId/payment-method',
    name: 'paySubscription',
    summary:
      'Make a payment method the default and pay what is owed with it; this recovers a subscription whose renewal failed.',
    body: paymentMethodRequest,
    answers: {
      200: ['`paid`, `resumed`, or `nothing_owed`', schemas.subscriptionPaid],
      202: ['The customer must pass 3-D Secure', schemas.subscriptionRequiresAction],
    },
    problems: {
      402: 'Declined (`card_declined`, `declineCode`), or refused by Stripe (`payment_refused`)',
      404: 'No such subscription',
      409: '`subscription_canceled`: it cannot be recovered; the customer needs a new subscription',
    },
    prepare: (call) => {
      const { subscriptionId } = parse(schemas.subscriptionParams, call.params);
      const request = parse(paymentMethodRequest, call.body);
      return async () => {
        await existing(deps, subscriptionId);
        return toOutcome(subscriptionId, await deps.holdfast.paySubscription(subscriptionId, request, call.options));
      };
    },
  };
}

async function existing({ subscriptions }: SubscriptionDeps, subscriptionId: string): Promise<SubscriptionView> {
  const found = await subscriptions.getSubscription(subscriptionId);
  if (found === undefined) throw notFound('The subscription');
  return found;
}

function toOutcome(subscriptionId: string, answer: PayAnswer): Outcome {
  if (!answer.accepted) throw refused(answer);
  const { accepted: _, ...rest } = answer;
  if (rest.outcome === 'declined') {
    throw new Problem(402, 'The bank declined this payment method; try another one', {
      code: 'card_declined',
      declineCode: rest.declineCode,
    });
  }
  return { status: rest.outcome === 'requires_action' ? 202 : 200, body: { subscriptionId, ...rest } };
}

function refused({ reason, message }: Extract<PayAnswer, { readonly accepted: false }>): Problem {
  switch (reason) {
    case 'unknown_subscription':
      return notFound('The subscription');
    case 'unknown_payment_method':
      return badRequest([{ field: 'paymentMethod', message: 'is unknown, used up, or not of this customer' }], {
        reason,
      });
    case 'outcome_unknown':
      // A 503 is not kept under the caller's key: sending the same request again finds the outcome out.
      return unavailable(message, { code: reason });
    case 'payment_refused':
      return new Problem(402, message, { code: reason });
    case 'subscription_canceled':
      return new Problem(409, message, { code: reason });
  }
}
