import type { FastifyBaseLogger } from 'fastify';
import { pino, type DestinationStream, type Logger } from 'pino';

/**
 * Keys, secrets and personal data are never logged. Bodies are not logged at all; this list covers objects and errors that
 * contain such fields, up to two levels deep. The Postgres driver quotes the row in an error's `detail` and values in `where`.
 */
const FIELDS = [
  'authorization',
  'clientSecret',
  'client_secret',
  'email',
  'name',
  'address',
  'shippingAddress',
  'customer',
  'paymentMethod',
];
const PATHS = [
  ...FIELDS,
  ...FIELDS.map((field) => `*.${field}`),
  ...FIELDS.map((field) => `*.*.${field}`),
  'req.headers',
  'err.detail',
  'err.where',
  'err.parameters',
];

const REDACT = { paths: PATHS, censor: '[redacted]' };

/** A child of `logger` that redacts, however the logger itself was made. */
export function withRedaction(logger: FastifyBaseLogger): FastifyBaseLogger {
  return logger.child({}, { redact: REDACT, serializers: { req: describeRequest } });
}

/** A logger that redacts personal data. `level` is one of pino's; the default destination is standard output. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    name: 'holdfast-gateway',
    level,
    redact: REDACT,
    serializers: { req: describeRequest },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Method and path only: a query may contain personal data, and the headers contain the key. */
function describeRequest(request: { readonly method?: string; readonly url?: string }): object {
  return { method: request.method, path: request.url?.split('?')[0] };
}
