import { listNoticesQuery, noticesAnswer } from '../notice-schemas';
import { parse } from '../validate';
import type { Operation } from './operation';
import type { GatewayDeps, ListNotices } from './ports';
import { badRequest } from './problem';

/** What customers and the shop were told, from Postgres. Names no address. */
export function noticeOperations({ notices }: Pick<GatewayDeps, 'notices'>): Operation[] {
  return [
    {
      method: 'GET',
      path: '/v1/notices',
      name: 'listNotices',
      summary:
        'Notices to customers and to the shop, latest first, with what became of each; of one order, refund, … or all.',
      query: listNoticesQuery,
      answers: { 200: ['Notices', noticesAnswer] },
      problems: {},
      prepare: (call) => {
        const filter = filterOf(call.query);
        return async () => ({ status: 200, body: { notices: await notices.listNotices(filter) } });
      },
    },
  ];
}

function filterOf(raw: unknown): ListNotices {
  const { order, status, limit, ...subjects } = parse(listNoticesQuery, raw);
  const named = (['refund', 'dispute', 'subscription'] as const).flatMap((type) => {
    const id = subjects[type];
    return id === undefined ? [] : [{ type, id }];
  });
  const [subject, ...more] = named;
  if (more.length > 0) {
    throw badRequest(more.map(({ type }) => ({ field: type, message: `goes not together with ${subject?.type}` })));
  }
  return {
    limit,
    ...(order !== undefined && { orderId: order }),
    ...(subject !== undefined && { subject }),
    ...(status !== undefined && { status }),
  };
}
