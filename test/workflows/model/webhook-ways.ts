import type { WebhookFaults } from '../../../workers/embedded/stripe/webhooks';
import { fc } from '../../support/property';
import type { World } from '../../support/world';

/** What becomes of the provider's webhooks: whatever it is, the same must come of it. */
export type WebhookWay = keyof typeof WAYS;

const WAYS = {
  'as they come': {},
  'three times': { copies: 3 },
  shuffled: { reorderWindow: 6 },
  lost: { dropTypes: ['*'] },
} satisfies Record<string, WebhookFaults>;

/** From here on webhooks go another way. With `late`, everything that was told or lost so far comes once more, after it all. */
export const webhookWays = fc.record({
  kind: fc.constant('webhooks' as const),
  way: fc.oneof(fc.constantFrom(...(Object.keys(WAYS) as WebhookWay[])), fc.constant<WebhookWay>('lost')),
  late: fc.boolean(),
});

/** Waits until those of before have arrived; what they say is looked at later, as in life. */
export async function sendWebhooks(
  { simulator }: World,
  { way, late }: { readonly way: WebhookWay; readonly late: boolean },
): Promise<void> {
  await simulator.flush();
  simulator.setWebhookFaults(WAYS[way]);
  if (late) simulator.redeliver();
}
