/** The fields of Stripe's error object that the simulator fills. */
export interface StripeErrorFields {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  decline_code?: string;
  advice_code?: string;
  network_decline_code?: string;
  param?: string;
  charge?: string;
  doc_url?: string;
  payment_intent?: object;
  payment_method?: object;
}

/**
 * An answer that is not 2xx. `stored` says whether the idempotency store keeps it: Stripe keeps every
 * outcome once execution began, so only failed validation and conflicts are left out.
 */
export class StripeApiError extends Error {
  constructor(
    readonly status: number,
    readonly fields: StripeErrorFields,
    readonly stored = true,
  ) {
    super(fields.message);
  }

  /** The body as Stripe sends it. */
  toBody(): { error: StripeErrorFields } {
    const { code } = this.fields;
    const docUrl =
      code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` };
    return { error: { ...docUrl, ...this.fields } };
  }
}

/** A parameter that fails validation: 400, and never kept by the idempotency store. */
export function invalidParameter(message: string, param: string, code?: string): StripeApiError {
  const withCode = code === undefined ? {} : { code };
  return new StripeApiError(400, { type: 'invalid_request_error', message, param, ...withCode }, false);
}

/** A request that was understood and refused while it ran: 400, kept by the idempotency store. */
export function refused(
  message: string,
  details: { code?: string; param?: string; payment_intent?: object } = {},
): StripeApiError {
  return new StripeApiError(400, { type: 'invalid_request_error', message, ...details });
}

/** `No such customer: 'cus_1'`; 404 where the object is in the path, 400 where it is in a parameter. */
export function noSuch(what: string, id: string, param: string, status: 400 | 404): StripeApiError {
  return new StripeApiError(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param,
  });
}

/** The answer to a path that the API does not have. */
export function unknownRoute(method: string, path: string): StripeApiError {
  const message = `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`;
  return new StripeApiError(404, { type: 'invalid_request_error', message }, false);
}
