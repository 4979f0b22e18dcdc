/** The rules of one currency. Amounts in the provider's minor units. */
export interface CurrencyRules {
  /** Decimals of the provider's minor unit: 1 major unit is 10 ** stripeExponent minor units. */
  readonly stripeExponent: 0 | 2 | 3;
  /** Decimals shown to people. Differs if the provider uses decimals that the currency does not have. */
  readonly displayExponent: 0 | 2 | 3;
  /** Every amount, even a partial one, must be a multiple of this. */
  readonly multiple: 1 | 10 | 100;
  /**
   * The smallest charge, if the provider publishes one. The provider checks it after conversion into the settlement currency, so it
   * may still refuse what is allowed here.
   */
  readonly minimum?: number;
  /** The largest card charge. */
  readonly maximum: number;
}

/** Card charges have at most twelve digits. Source: Stripe, "Minimum and maximum charge amounts". */
const MAX_CARD_AMOUNT = 999_999_999_999;

const codes = (list: string): readonly string[] => list.split(/\s+/).filter(Boolean);

/** Currencies that card payments can be made in, two decimals unless named below. Source: Stripe, "Supported currencies". */
const SUPPORTED = codes(`
  aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop
  crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy
  kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok
  npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top
  try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw`);

/** Source: Stripe, "Zero-decimal currencies". */
const ZERO_DECIMAL = new Set(codes('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'));
/** Sent with two decimals that must be 00. UGX is also in Stripe's zero-decimal list, but the special case applies. Source: Stripe, "Special cases". */
const WHOLE_UNITS = new Set(codes('isk ugx'));
/** The last of the three decimals must be 0. Source: Stripe's former page on three-decimal currencies; kept because it is never wrong to comply. */
const THREE_DECIMAL = new Set(codes('bhd jod kwd omr tnd'));

/** Smallest charges in major units. Source: Stripe, "Minimum and maximum charge amounts". */
const MINIMUM_MAJOR: readonly (readonly [major: number, currencies: readonly string[]])[] = [
  [0.5, codes('usd ars aud brl cad chf cop eur idr ils inr nzd php rub sgd zar')],
  [2, codes('aed myr pln ron')],
  [15, ['czk']],
  [2.5, ['dkk']],
  [0.3, ['gbp']],
  [4, ['hkd']],
  [175, ['huf']],
  [50, codes('jpy krw')],
  [10, codes('mxn thb')],
  [3, codes('nok sek')],
];

const RULES: ReadonlyMap<string, CurrencyRules> = new Map(SUPPORTED.map((code) => [code, rulesOf(code)]));

/** Can a card payment be made in this currency (lower case)? */
export function isCurrency(code: string): boolean {
  return RULES.has(code);
}

/** Every supported currency, lower case. */
export const CURRENCIES: readonly string[] = [...RULES.keys()];

/** The rules of a currency. Unsupported currencies get two decimals, so that their amounts can still be shown. */
export function currencyRules(code: string): CurrencyRules {
  return RULES.get(code) ?? rulesOf(code);
}

function rulesOf(code: string): CurrencyRules {
  const decimals = decimalsOf(code);
  const minimum = MINIMUM_MAJOR.find(([, currencies]) => currencies.includes(code))?.[0];
  return {
    ...decimals,
    ...(minimum !== undefined && { minimum: Math.round(minimum * 10 ** decimals.stripeExponent) }),
    maximum: MAX_CARD_AMOUNT - (MAX_CARD_AMOUNT % decimals.multiple),
  };
}

function decimalsOf(code: string): Pick<CurrencyRules, 'stripeExponent' | 'displayExponent' | 'multiple'> {
  if (ZERO_DECIMAL.has(code)) return { stripeExponent: 0, displayExponent: 0, multiple: 1 };
  if (WHOLE_UNITS.has(code)) return { stripeExponent: 2, displayExponent: 0, multiple: 100 };
  if (THREE_DECIMAL.has(code)) return { stripeExponent: 3, displayExponent: 3, multiple: 10 };
  return { stripeExponent: 2, displayExponent: 2, multiple: 1 };
}
