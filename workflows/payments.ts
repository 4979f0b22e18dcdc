import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import { AUTHORIZE_OPTIONS, FIRST_TRY_OPTIONS, LOOKUP_OPTIONS, MONEY_OPTIONS } from './activity-options';
import { formatMoney } from './domain/money';
import { localFirst } from './local-first';
import type {
  AuthorizationResult,
  AuthorizePaymentInput,
  CapturePaymentInput,
  CapturePaymentResult,
  PaymentActivities,
  SyncPaymentInput,
  SyncPaymentResult,
  VoidPaymentInput,
  VoidPaymentResult,
} from './ports';

/*
 * The payment activities as workflows call them: regular ones, since a provider may take seconds, each with a line for the
 * Temporal UI that says what it is about.
 */
const bank = proxyActivities<PaymentActivities>(MONEY_OPTIONS);

const firstTry = proxyLocalActivities<PaymentActivities>(FIRST_TRY_OPTIONS);

function options(base: ActivityOptions, summary: string): ActivityOptions {
  return { ...base, summary };
}

/** Asks for a hold while the customer waits. */
export function authorizeNow(input: AuthorizePaymentInput): Promise<AuthorizationResult> {
  const summary = `Hold ${formatMoney(input.amount)}, attempt ${input.attempt}`;
  return localFirst(
    () => firstTry.authorizePayment.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => bank.authorizePayment.executeWithOptions(options(AUTHORIZE_OPTIONS, summary), [input]),
  );
}

/** Asks for a hold without the customer; there is time. */
export function authorizeLater(input: AuthorizePaymentInput): Promise<AuthorizationResult> {
  const summary = `Hold ${formatMoney(input.amount)} (${input.purpose}), attempt ${input.attempt}`;
  return bank.authorizePayment.executeWithOptions(options(MONEY_OPTIONS, summary), [input]);
}

export function syncPayment(input: SyncPaymentInput): Promise<SyncPaymentResult> {
  const summary = `Ask Stripe about ${input.paymentIntentId ?? `attempt ${input.attempt ?? '?'}`}`;
  return bank.syncPayment.executeWithOptions(options(LOOKUP_OPTIONS, summary), [input]);
}

export function capturePayment(input: CapturePaymentInput): Promise<CapturePaymentResult> {
  const what = input.shipment === undefined ? 'the whole order' : `parcel ${input.shipment.trackingNumber}`;
  const summary = `Capture ${input.amount} for ${what}`;
  return localFirst(
    () => firstTry.capturePayment.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => bank.capturePayment.executeWithOptions(options(MONEY_OPTIONS, summary), [input]),
  );
}

export function voidPayments(input: VoidPaymentInput): Promise<VoidPaymentResult> {
  const what = input.onlyPaymentIntentId ?? 'every hold';
  return bank.voidPayments.executeWithOptions(options(MONEY_OPTIONS, `Let go ${what}: ${input.reason}`), [input]);
}
