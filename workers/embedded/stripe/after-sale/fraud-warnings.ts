import type { Account } from '../state/account';
import { noSuch } from '../http/errors';
import { listPage } from '../http/lists';
import { CLOCK_CAUSE, type Charge, type RequestCause } from '../state/model';
import type { EarlyFraudWarning } from './money-model';
import { fraudWarningList } from './money-shapes';
import { ofPayment } from '../payments/payment-filter';
import { route } from '../http/request';
import { defineResource, store } from '../http/resource';
import { expand } from '../state/shapes';

export const fraudWarnings = defineResource<EarlyFraudWarning>({
  kind: 'fraud_warning',
  object: 'radar.early_fraud_warning',
  path: 'early_fraud_warnings',
  snapshot: 'earlyFraudWarnings',
  expandable: { charge: 'charge', payment_intent: 'payment_intent' },
  indexes: ({ charge, payment_intent: intent }) => ({ charge, payment_intent: intent }),
});

/** The issuer suspects fraud with this charge. https://docs.stripe.com/radar/analytics/early-fraud-warnings */
export function raiseFraudWarning(
  account: Account,
  charge: Charge,
  fraudType = 'made_with_stolen_card',
  cause: RequestCause = CLOCK_CAUSE,
): EarlyFraudWarning {
  const warning: EarlyFraudWarning = {
    id: account.newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !isDisputedOrRefunded(charge),
    charge: charge.id,
    created: account.clock.nowSeconds(),
    fraud_type: fraudType,
    livemode: false,
    payment_intent: charge.payment_intent,
  };
  store(account, fraudWarnings, warning);
  account.log.emit('radar.early_fraud_warning.created', warning, cause);
  return warning;
}

/** A warning is actionable until its charge is fully refunded or disputed. */
export function retireFraudWarnings(account: Account, charge: Charge, cause: RequestCause): void {
  if (!isDisputedOrRefunded(charge)) return;
  for (const { id } of account.of(fraudWarnings).filed('charge', charge.id)) {
    const warning = account.of(fraudWarnings).get(id);
    if (warning?.actionable !== true) continue;
    warning.actionable = false;
    account.log.emit('radar.early_fraud_warning.updated', warning, cause);
  }
}

function isDisputedOrRefunded(charge: Charge): boolean {
  return charge.refunded || charge.disputed;
}

export const fraudWarningRoutes = [
  route('GET', '/v1/radar/early_fraud_warnings/:id', expand, ({ account, ids: [id = ''] }) => {
    const warning = account.of(fraudWarnings).get(id);
    if (warning === undefined) throw noSuch('early fraud warning', id, 'id', 404);
    return warning;
  }),
  route('GET', '/v1/radar/early_fraud_warnings', fraudWarningList, ({ account, params }) =>
    listPage(account.of(fraudWarnings), params, {
      url: '/v1/radar/early_fraud_warnings',
      ...ofPayment(params, (warning: EarlyFraudWarning) => warning),
      created: ({ created }) => created,
      render: (warning) => warning,
    }),
  ),
];
