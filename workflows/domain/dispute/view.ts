import type { DisputeRecord } from './dispute';
import type { FraudWarningRecord } from './fraud-warning';
import type { Party } from '../shared/waiting';

/** Whom it waits for, as views show it. */
interface WaitingView {
  readonly waitingOn?: Party;
  readonly waitingUntil?: string;
  readonly waitingFor?: string;
}

/** A dispute as the gateway, the client library and the command line show it. No personal data. */
export interface DisputeView extends DisputeRecord, WaitingView {
  /** Names of the provider's evidence fields that are filled; their content can be read in the provider's dashboard. */
  readonly evidenceFields?: readonly string[];
}

/** An early fraud warning as it is shown. */
export interface FraudWarningView extends FraudWarningRecord, WaitingView {}
