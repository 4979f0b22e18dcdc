import type { Account } from '../state/account';
import { invalidParameter, noSuch } from '../http/errors';
import { eventJson, isDelivered, type StoredEvent } from '../state/events';
import { listPage, type PagingParams } from '../http/lists';
import { route } from '../http/request';
import { chargeList, eventList, expand } from '../state/shapes';

export const chargeRoutes = [
  route('GET', '/v1/charges/:id', expand, ({ account, ids: [id = ''] }) => {
    const charge = account.charges.get(id);
    if (charge === undefined) throw noSuch('charge', id, 'id', 404);
    return charge;
  }),
  route('GET', '/v1/charges', chargeList, ({ account, params }) =>
    listPage(account.charges, params, {
      url: '/v1/charges',
      ...chargeIndex(params),
      created: (charge) => charge.created,
      where: (charge) =>
        (params.payment_intent === undefined || charge.payment_intent === params.payment_intent) &&
        (params.customer === undefined || charge.customer === params.customer) &&
        (params.transfer_group === undefined || charge.transfer_group === params.transfer_group),
      render: (charge) => charge,
    }),
  ),
];

export const eventRoutes = [
  route('GET', '/v1/events/:id', expand, ({ account, ids: [id = ''] }) => {
    const event = account.log.events.get(id);
    if (event === undefined) throw noSuch('event', id, 'id', 404);
    return render(event);
  }),
  route('GET', '/v1/events', eventList, ({ account, params }) => listEvents(account, params)),
];

function chargeIndex(params: { payment_intent?: string; customer?: string }): { index?: string; indexValue?: string } {
  if (params.payment_intent !== undefined) return { index: 'payment_intent', indexValue: params.payment_intent };
  return params.customer === undefined ? {} : { index: 'customer', indexValue: params.customer };
}

/** Source: Stripe API, "List all events". */
const MAX_TYPES = 20;

function listEvents(
  account: Account,
  params: PagingParams & { type?: string; types?: string[]; delivery_success?: boolean },
): object {
  if ((params.types?.length ?? 0) > MAX_TYPES) {
    throw invalidParameter(`Array types exceeded maximum ${MAX_TYPES} allowed elements.`, 'types');
  }
  const types = params.types ?? (params.type === undefined ? undefined : [params.type]);
  return listPage(account.log.events, params, {
    url: '/v1/events',
    created: (event) => event.created,
    where: (event) =>
      (types === undefined || types.some((type) => isOfType(event.type, type))) &&
      (params.delivery_success === undefined || isDelivered(event) === params.delivery_success),
    render,
  });
}

/** `charge.*` stands for every event of charges. */
function isOfType(type: string, wanted: string): boolean {
  return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

function render(event: StoredEvent): object {
  return JSON.parse(eventJson(event)) as object;
}
