import type { SendNoticeAgainAnswer } from '../../../workflows/domain/notice/notices';
import * as schemas from '../../schemas/notices';
import { parse } from '../../schemas/validate';
import { actorOf } from '../server/auth';
import type { Outcome } from '../server/idempotency';
import type { Operation } from '../server/operation';
import type { GatewayDeps, ListNotices } from '../ports';
import { badRequest, notFound, Problem } from '../server/problem';

type NoticeDeps = Pick<GatewayDeps, 'notices'>;

/** Everything under `/v1/notices`. Answers contain no addresses. */
export function noticeOperations(deps: NoticeDeps): Operation[] {
  return [list(deps), sendAgain(deps)];
}

function list({ notices }: NoticeDeps): Operation {
  return {
    method: 'GET',
    path: '/v1/notices',
    name: 'listNotices',
    summary:
      'Notices to customers and to the shop, latest first, each with its status: all, or those of one order, refund, dispute or subscription.',
    query: schemas.listNoticesQuery,
    answers: { 200: ['Notices', schemas.noticesAnswer] },
    problems: {},
    prepare: (call) => {
      const filter = filterOf(call.query);
      return async () => ({ status: 200, body: { notices: await notices.listNotices(filter) } });
    },
  };
}

function sendAgain({ notices }: NoticeDeps): Operation {
  return {
    method: 'POST',
    path: '/v1/notices/:noticeKey/resend',
    name: 'sendNoticeAgain',
    summary: 'Send a notice that failed or is in doubt again, by the channels that have not confirmed it.',
    body: schemas.sendNoticeAgainRequest,
    answers: { 202: ['Queued; the relay sends it outside quiet hours', schemas.noticeAnswer] },
    problems: {
      404: 'No such notice',
      409: '`not_in_doubt`: it was sent, or still waits · `no_longer_true`: its contents are outdated',
    },
    prepare: (call) => {
      const { noticeKey } = parse(schemas.noticeParams, call.params);
      const { actor: claimed } = parse(schemas.sendNoticeAgainRequest, call.body);
      const actor = actorOf(call.actor, claimed);
      return async () => toOutcome(await notices.sendAgain(noticeKey, actor));
    },
  };
}

function toOutcome(answer: SendNoticeAgainAnswer): Outcome {
  if (answer.accepted) return { status: 202, body: answer.notice };
  switch (answer.reason) {
    case 'unknown_notice':
      throw notFound('The notice');
    case 'not_in_doubt':
      throw new Problem(
        409,
        `Only a notice that failed or is in doubt can be sent again; this one is ${answer.status}`,
        {
          code: answer.reason,
          noticeStatus: answer.status,
        },
      );
    case 'no_longer_true':
      throw new Problem(409, 'The contents of this notice are outdated; it is not sent again', { code: answer.reason });
  }
}

function filterOf(raw: unknown): ListNotices {
  const { order, status, limit, ...subjects } = parse(schemas.listNoticesQuery, raw);
  const named = (['refund', 'dispute', 'subscription'] as const).flatMap((type) => {
    const id = subjects[type];
    return id === undefined ? [] : [{ type, id }];
  });
  const [subject, ...more] = named;
  if (more.length > 0) {
    throw badRequest(more.map(({ type }) => ({ field: type, message: `cannot be combined with ${subject?.type}` })));
  }
  return {
    limit,
    ...(order !== undefined && { orderId: order }),
    ...(subject !== undefined && { subject }),
    ...(status !== undefined && { status }),
  };
}
