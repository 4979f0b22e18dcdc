import { invalidParameter } from '../http/errors';
import {
  boolean,
  emptyable,
  either,
  ignored,
  integer,
  list,
  metadata,
  object,
  oneOf,
  required,
  string,
  type Rule,
} from '../http/schema';

/** Stripe's largest amount for most cards: twelve digits of the minor unit. https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
export const MAX_AMOUNT = 999_999_999_999;
/** The most objects on one page of a list. */
const MAX_PAGE_SIZE = 100;
const CURRENCIES = new Set(
  'usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw'.split(
    ' ',
  ),
);

export function amount(min = 1): Rule<number> {
  return integer(min, MAX_AMOUNT, (path) =>
    invalidParameter(
      `Amount must be no more than ${MAX_AMOUNT} in the smallest currency unit`,
      path,
      'amount_too_large',
    ),
  );
}

/** A currency that Stripe supports. Upper case is refused: the API's reference asks for lower case. */
export function currency(): Rule<string> {
  const text = string();
  return {
    parse(value, path) {
      const code = text.parse(value, path);
      if (CURRENCIES.has(code)) return code;
      throw invalidParameter(
        `Invalid currency: ${code}. Stripe currently supports these currencies: ${[...CURRENCIES].join(', ')}`,
        path,
      );
    },
  };
}

export const expand = { expand: list(string()) };

const createdRange = either(
  integer(0, Number.MAX_SAFE_INTEGER),
  object({
    gt: integer(0, Number.MAX_SAFE_INTEGER),
    gte: integer(0, Number.MAX_SAFE_INTEGER),
    lt: integer(0, Number.MAX_SAFE_INTEGER),
    lte: integer(0, Number.MAX_SAFE_INTEGER),
  }),
);

/** The parameters of every list. */
export const paging = {
  ...expand,
  limit: integer(1, MAX_PAGE_SIZE),
  starting_after: string(),
  ending_before: string(),
  created: createdRange,
};

const address = object({
  city: emptyable(string()),
  country: emptyable(string()),
  line1: emptyable(string()),
  line2: emptyable(string()),
  postal_code: emptyable(string()),
  state: emptyable(string()),
});
const shipping = object({
  address: required(address),
  name: required(string()),
  carrier: emptyable(string()),
  phone: emptyable(string()),
  tracking_number: emptyable(string()),
});
const billingDetails = object({
  address: emptyable(address),
  email: emptyable(string()),
  name: emptyable(string()),
  phone: emptyable(string()),
  tax_id: emptyable(string()),
});

const customerFields = {
  ...expand,
  address: emptyable(address),
  description: emptyable(string()),
  email: emptyable(string(512)),
  metadata: metadata(),
  name: emptyable(string(256)),
  phone: emptyable(string(20)),
  preferred_locales: list(string()),
  shipping: emptyable(object({ address: required(address), name: required(string()), phone: emptyable(string()) })),
  invoice_settings: object({
    default_payment_method: emptyable(string()),
    custom_fields: ignored(),
    footer: ignored(),
    rendering_options: ignored(),
  }),
  tax_exempt: emptyable(oneOf('none', 'exempt', 'reverse')),
  balance: integer(-MAX_AMOUNT, MAX_AMOUNT),
};
export const customerCreate = { ...customerFields, payment_method: string(), test_clock: string() };
export const customerUpdate = customerFields;
export const customerList = { ...paging, email: string(512), test_clock: string() };

export const paymentMethodCreate = {
  ...expand,
  type: required(oneOf('card')),
  card: required(
    object({
      number: string(),
      token: string(),
      cvc: string(),
      exp_month: integer(1, 12),
      exp_year: integer(2000, 2100),
      networks: ignored(),
    }),
  ),
  billing_details: billingDetails,
  metadata: metadata(),
  allow_redisplay: oneOf('always', 'limited', 'unspecified'),
};
export const paymentMethodAttach = { ...expand, customer: required(string()) };
export const paymentMethodList = {
  ...paging,
  customer: string(),
  type: string(),
  allow_redisplay: oneOf('always', 'limited', 'unspecified'),
};

const cardFeature = oneOf('if_available', 'never');
const paymentMethodOptions = object({
  card: object({
    capture_method: emptyable(oneOf('manual')),
    request_extended_authorization: cardFeature,
    request_incremental_authorization: cardFeature,
    request_multicapture: cardFeature,
    request_overcapture: cardFeature,
    request_three_d_secure: oneOf('any', 'automatic', 'challenge'),
    setup_future_usage: emptyable(oneOf('none', 'off_session', 'on_session')),
    statement_descriptor_suffix_kana: ignored(),
    statement_descriptor_suffix_kanji: ignored(),
    moto: boolean(),
    network: string(),
    require_cvc_recollection: boolean(),
  }),
});

const intentFields = {
  ...expand,
  allowed_payment_method_types: list(string()),
  amount_details: ignored(),
  capture_method: oneOf('automatic', 'automatic_async', 'manual'),
  excluded_payment_method_types: ignored(),
  metadata: metadata(),
  payment_details: ignored(),
  payment_method: string(),
  payment_method_options: paymentMethodOptions,
  receipt_email: emptyable(string()),
  setup_future_usage: emptyable(oneOf('off_session', 'on_session')),
  shipping: emptyable(shipping),
};
const described = {
  customer: string(),
  description: emptyable(string(1000)),
  statement_descriptor: string(22),
  statement_descriptor_suffix: string(22),
  transfer_group: string(),
};
const confirmOnly = {
  error_on_requires_action: boolean(),
  off_session: either(oneOf('one_off', 'recurring'), boolean()),
  radar_options: ignored(),
  return_url: string(),
  use_stripe_sdk: boolean(),
  mandate_data: ignored(),
};
export const intentCreate = {
  ...intentFields,
  ...described,
  ...confirmOnly,
  amount: required(amount()),
  currency: required(currency()),
  automatic_payment_methods: object({ enabled: required(boolean()), allow_redirects: oneOf('always', 'never') }),
  confirm: boolean(),
  confirmation_method: oneOf('automatic', 'manual'),
};
export const intentUpdate = { ...intentFields, ...described, amount: amount(), currency: currency() };
const { metadata: _notOnConfirm, ...intentFieldsOnConfirm } = intentFields;
export const intentConfirm = { ...intentFieldsOnConfirm, ...confirmOnly };
export const intentCapture = {
  ...expand,
  // Zero is allowed for a final capture after others: it releases the rest.
  amount_to_capture: amount(0),
  amount_details: ignored(),
  final_capture: boolean(),
  metadata: metadata(),
  payment_details: ignored(),
  statement_descriptor: string(22),
  statement_descriptor_suffix: string(22),
};
export const intentCancel = {
  ...expand,
  cancellation_reason: oneOf('abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'),
};
export const intentList = { ...paging, customer: string() };
export const intentSearch = { ...expand, query: required(string()), limit: integer(1, MAX_PAGE_SIZE), page: string() };

export const chargeList = { ...paging, customer: string(), payment_intent: string(), transfer_group: string() };
export const eventList = { ...paging, type: string(), types: list(string()), delivery_success: boolean() };
