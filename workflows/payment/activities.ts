import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import {
  AUTHORIZE_OPTIONS,
  BACKGROUND_OPTIONS,
  COMMAND_OPTIONS,
  FIRST_TRY_OPTIONS,
  LOOKUP_OPTIONS,
  MONEY_OPTIONS,
} from '../kit/activity-options';
import { formatMoney } from '../domain/shared/money';
import { localFirst } from '../kit/local-first';
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
 * summary for the Temporal UI.
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

/** Asks for a hold for an order that runs already: an outcome that is not known soon is looked up later. */
export function authorizeLater(input: AuthorizePaymentInput): Promise<AuthorizationResult> {
  const summary = `Hold ${formatMoney(input.amount)} (${input.purpose}), attempt ${input.attempt}`;
  return bank.authorizePayment.executeWithOptions(options(BACKGROUND_OPTIONS, summary), [input]);
}

export function syncPayment(input: SyncPaymentInput): Promise<SyncPaymentResult> {
  return bank.syncPayment.executeWithOptions(options(LOOKUP_OPTIONS, lookUp(input)), [input]);
}

/** As `syncPayment`, for an order: what cannot be read soon is read later. */
export function syncPaymentSoon(input: SyncPaymentInput): Promise<SyncPaymentResult> {
  return bank.syncPayment.executeWithOptions(options(BACKGROUND_OPTIONS, lookUp(input)), [input]);
}

function lookUp({ paymentIntentId, attempt }: SyncPaymentInput): string {
  return `Ask Stripe about ${paymentIntentId ?? `attempt ${attempt ?? '?'}`}`;
}

/** @param triedBefore its outcome stayed unknown: it makes room sooner for the command behind it */
export function capturePayment(input: CapturePaymentInput, triedBefore: boolean): Promise<CapturePaymentResult> {
  const what = input.shipment === undefined ? 'the whole order' : `parcel ${input.shipment.trackingNumber}`;
  const summary = `Capture ${input.amount} for ${what}`;
  // A parcel waits for its capture; no caller waits for the capture of a whole order.
  const base = input.shipment === undefined || triedBefore ? BACKGROUND_OPTIONS : COMMAND_OPTIONS;
  return localFirst(
    () => firstTry.capturePayment.executeWithOptions({ ...FIRST_TRY_OPTIONS, summary }, [input]),
    () => bank.capturePayment.executeWithOptions(options(base, summary), [input]),
  );
}

export function voidPayments(input: VoidPaymentInput): Promise<VoidPaymentResult> {
  return bank.voidPayments.executeWithOptions(options(MONEY_OPTIONS, voiding(input)), [input]);
}

/** As `voidPayments`, for an order: what cannot be voided soon is voided later. */
export function voidPaymentSoon(input: VoidPaymentInput): Promise<VoidPaymentResult> {
  const base = input.reason === 'order_cancelled' ? COMMAND_OPTIONS : BACKGROUND_OPTIONS;
  return bank.voidPayments.executeWithOptions(options(base, voiding(input)), [input]);
}

function voiding({ onlyPaymentIntentId, onlyVoided, reason }: VoidPaymentInput): string {
  return `Void ${onlyPaymentIntentId ?? (onlyVoided === true ? 'again what was voided' : 'every hold')}: ${reason}`;
}
