import type { EventLister } from '../../activities/stripe';

export interface InboxWriter {
  receive(event: {
    readonly eventId: string;
    readonly provider: 'stripe';
    readonly type: string;
    readonly objectId?: string;
    readonly paymentIntentId?: string;
    readonly payload: unknown;
    readonly createdAt: string;
  }): Promise<'stored' | 'duplicate'>;
}

/** Stripe gives up on an event after three days; one more day covers wrong clocks and a relay that was down. */
const LOOK_BACK_MS = 4 * 24 * 3_600_000;

/** The second way beside webhooks: lists events that Stripe could not deliver, and stores those that the inbox lacks. */
export async function collectMissedEvents(lister: EventLister, inbox: InboxWriter): Promise<number> {
  for await (const event of lister.listUndelivered(new Date(Date.now() - LOOK_BACK_MS))) {
    await inbox.receive({ ...event, provider: 'stripe' });
  }
  return 0;
}
