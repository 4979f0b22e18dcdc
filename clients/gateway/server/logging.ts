import type { FastifyBaseLogger } from 'fastify';
import { pino, type DestinationStream, type Logger } from 'pino';

/**
 * Never logged, at whatever depth it may come to stand: keys, secrets and what is known of a person. Bodies are not
 * logged at all; this is the second line, for objects and errors that carry them along. A driver's error quotes the
 * row in `detail`, and the statement's values in `where`.
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

/** The same logger for the gateway's lines, held to the same secrecy whatever it was made with. */
export function discreet(logger: FastifyBaseLogger): FastifyBaseLogger {
  return logger.child({}, { redact: REDACT, serializers: { req: describeRequest } });
}

/** A logger that gives nothing personal away. `level` as pino's; logs go to standard output unless told otherwise. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    name: 'holdfast-gateway',
    level,
    redact: REDACT,
    serializers: { req: describeRequest },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Method and path: a query may hold anything, headers hold the key. */
function describeRequest(request: { readonly method?: string; readonly url?: string }): object {
  return { method: request.method, path: request.url?.split('?')[0] };
}
