import type { FastifyInstance } from 'fastify';
import type { GatewayMetrics } from '../server/metrics';
import type { GatewayDeps, VerifiedEvent } from '../ports';
import { Problem, unavailable } from '../server/problem';

/**
 * A provider's events are larger than our own requests. An event above the limit is refused unread; the provider counts it as
 * undelivered, so the relay for missed events fetches it through the API.
 */
const WEBHOOK_LIMIT_BYTES = 4 * 1024 * 1024;

/** The form of a signature header. A request with any other is refused before its body is read. */
const SIGNATURE = /^(?=.*(?:^|,)t=\d{1,12}(?:,|$))(?=.*(?:^|,)v1=[0-9a-f]{64}(?:,|$))[\x21-\x7e]{1,4096}$/;

/**
 * `POST /webhooks/stripe`: verifies the exact bytes, stores the event once, and answers after the commit. The event is a hint: the
 * inbox relay acts on it later. The signature takes the place of an API key.
 */
export function registerWebhooks(
  app: FastifyInstance,
  deps: GatewayDeps,
  metrics: GatewayMetrics,
  limitBytes = WEBHOOK_LIMIT_BYTES,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limitBytes }, (_request, body, done) =>
      done(null, body),
    );
    scope.addHook('onRequest', async (request) => {
      const signature = request.headers['stripe-signature'];
      if (typeof signature === 'string' && SIGNATURE.test(signature)) return;
      const [code, detail] =
        signature === undefined || signature === ''
          ? (['missing_signature', 'The request has no Stripe-Signature header'] as const)
          : (['bad_signature', 'The Stripe-Signature header is not well-formed'] as const);
      metrics.webhooks.inc({ type: 'unverified', result: code });
      // The body is not read, so the connection cannot be used again.
      throw new Problem(400, detail, { code }, { connection: 'close' });
    });
    scope.addHook('onError', async (_request, _reply, error) => {
      if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
        metrics.webhooks.inc({ type: 'unverified', result: 'too_large' });
    });
    scope.post('/webhooks/stripe', { bodyLimit: limitBytes }, async (request, reply) => {
      const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['stripe-signature'];
      const event = verify(deps, metrics, rawBody, typeof signature === 'string' ? signature : undefined);
      const result = await deps.inbox.receive(toInbox(event)).catch((error: unknown) => {
        metrics.webhooks.inc({ type: event.type, result: 'not_stored' });
        request.log.error({ err: error, eventId: event.eventId }, 'a webhook event could not be stored');
        // Whatever the error: the provider redelivers after any answer but a success, and the event must not be lost.
        throw unavailable('The event could not be stored; send it again');
      });
      metrics.webhooks.inc({ type: event.type, result });
      return reply.status(200).send({ received: true, duplicate: result === 'duplicate' });
    });
  });
}

function verify(
  deps: GatewayDeps,
  metrics: GatewayMetrics,
  rawBody: Buffer,
  signature: string | undefined,
): VerifiedEvent {
  try {
    return deps.verifyWebhook(rawBody, signature);
  } catch (error) {
    if (!isRejection(error)) throw error;
    // Anybody may send an unsigned event, so its type must not become a label.
    metrics.webhooks.inc({ type: 'unverified', result: error.reason });
    throw new Problem(400, error.message, { code: error.reason });
  }
}

function isRejection(error: unknown): error is Error & { readonly reason: string } {
  return (
    error instanceof Error && error.name === 'WebhookRejected' && 'reason' in error && typeof error.reason === 'string'
  );
}

function toInbox(event: VerifiedEvent): Parameters<GatewayDeps['inbox']['receive']>[0] {
  const { eventId, type, objectId, paymentIntentId, createdAt, payload } = event;
  return {
    eventId,
    provider: 'stripe',
    type,
    ...(objectId !== undefined && { objectId }),
    ...(paymentIntentId !== undefined && { paymentIntentId }),
    payload,
    createdAt,
  };
}
