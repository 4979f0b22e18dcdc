import type { Account } from '../state/account';
import { balanceTransactions, bookCapture } from '../after-sale/balance';
import { consequencesByNumber, type Consequences } from './cards';
import { openDispute } from '../after-sale/dispute-life';
import { disputesOf } from '../after-sale/dispute-states';
import { fraudWarnings, raiseFraudWarning } from '../after-sale/fraud-warnings';
import type { Charge } from '../state/model';
import { refunds } from '../after-sale/refund-life';

/** The consequences of the card of this charge after a capture. */
export function consequencesOf(account: Account, charge: Charge): Consequences {
  const method = account.paymentMethods.get(charge.payment_method ?? '');
  return method === undefined ? {} : consequencesByNumber(method.profile.number);
}

/** Books captured money, and starts the consequences of the card. */
export function bookAndFollow(account: Account, charge: Charge, amount: number): void {
  bookCapture(account, charge, amount);
  // A later capture of the same charge must not start them again.
  if (charge.amount_captured === amount) follow(account, charge, account.clock.now());
}

/** After a restart: starts the consequences that have not happened yet. */
export function resumeConsequences(account: Account, charge: Charge): void {
  if (charge.amount_captured === 0) return;
  const [first] = account
    .of(balanceTransactions)
    .filed('source', charge.id)
    .filter(({ type }) => type === 'charge');
  if (first !== undefined) follow(account, charge, first.created * 1000);
}

function follow(account: Account, followed: Charge, sinceMs: number): void {
  const { id } = followed;
  const { disputeDelayMs, fraudWarningDelayMs } = account.settings;
  const { dispute, fraudWarning } = consequencesOf(account, followed);
  const at = (dueMs: number, act: (charge: Charge) => void): void => {
    account.clock.at(dueMs, () => {
      const charge = account.charges.get(id);
      if (charge !== undefined && !wasRefundedBy(account, charge, dueMs)) act(charge);
    });
  };
  if (dispute !== undefined && disputesOf(account, id).length === 0) {
    at(sinceMs + disputeDelayMs, (charge) => {
      if (disputesOf(account, id).length === 0) openDispute(account, charge, dispute);
    });
  }
  const isWarned = (): boolean => account.of(fraudWarnings).filed('charge', id).length > 0;
  if (fraudWarning === true && !isWarned()) {
    at(sinceMs + fraudWarningDelayMs, (charge) => {
      if (!isWarned()) raiseFraudWarning(account, charge);
    });
  }
}

/** A fully refunded payment is not disputed, even where the refund failed later. */
function wasRefundedBy(account: Account, charge: Charge, atMs: number): boolean {
  const refunded = account
    .of(refunds)
    .filed('charge', charge.id)
    .filter(({ object }) => object.created * 1000 <= atMs)
    .reduce((sum, { object }) => sum + object.amount, 0);
  return refunded >= charge.amount_captured;
}
