import { defineSignal } from '../kit/define';

/** The provider says that something about a payment changed: a hint to look, never a fact. To checkout and order alike. */
export const paymentChanged = defineSignal<[{ readonly paymentIntentId: string }]>('paymentChanged');
