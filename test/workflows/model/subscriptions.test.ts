import type Stripe from 'stripe';
import type { DunningPolicy } from '../../../workflows/domain/subscription/subscription';
import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import type { SubscriptionView } from '../../../workflows/domain/subscription/view';
import { eventually } from '../../support/time/eventually';
import { check, fc, isWhole } from '../../support/property';
import { DAY_MS, HOUR_MS, Subscriptions } from '../../support/subscriptions';
import type { Begun } from '../../support/subscriptions';
import { closeConnections, createWorld } from '../../support/world';
import type { World } from '../../support/world';
import { SubscriptionModel } from './subscription-model';
import { noticeWrongs } from './subscription-notices';
import { stories } from './subscription-stories';
import type { Command, Story } from './subscription-stories';
import { sendWebhooks } from './webhook-ways';

/*
 * Renewals that are paid, refused or given up, new cards, changes of plan and cancellations, with webhooks told once, three times,
 * in another order, late or never: the subscriber stands where a small model says, and is told neither too much nor too little,
 * whatever their night is.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const RUNS = isWhole ? 10 : 4;
const PRICE = 1_900;
const EMAIL = 'subscriber@example.com';

afterAll(closeConnections);

it('agrees with the model, whatever banks and people do and whichever webhooks arrive', async () => {
  const property = fc.asyncProperty(stories, async (story) => {
    const { outcome, quietHours } = story;
    const onExhausted = outcome === 'canceled' ? 'cancel' : 'unpaid';
    const world = await createWorld({
      simulator: { billing: { onExhausted } },
      dunning: { quietHours, providerOutcome: outcome },
    });
    try {
      await new Play(world, story).all();
    } finally {
      await world.close();
    }
  });
  // A smaller example takes a world of its own for each try: the seed and the story are told instead.
  await check('subscriptions agree with the model', property, { numRuns: RUNS, endOnFailure: true });
}, 300_000);

class Play {
  private readonly model: SubscriptionModel;
  private readonly subscriptions: Subscriptions;
  private readonly policy: DunningPolicy;
  private readonly told: string[] = [];
  private begun: Begun = { subscriptionId: '', customerId: '', priceId: '' };
  private isDeaf = false;
  /** Where it stood since the provider was last known to have been asked: what is recorded may be any of it. */
  private unheard: { readonly atMs: number; readonly summary: string }[] = [];

  constructor(
    private readonly world: World,
    private readonly story: Story,
  ) {
    this.model = new SubscriptionModel(PRICE, story.outcome);
    this.subscriptions = new Subscriptions(() => world);
    this.policy = { ...DEFAULT_DUNNING_POLICY, quietHours: story.quietHours };
  }

  async all(): Promise<void> {
    const { clock } = this.world.simulator;
    const { hour, timeZone, renewal, webhooks } = this.story;
    clock.advanceTo(Math.floor(clock.now() / DAY_MS) * DAY_MS + (24 + hour) * HOUR_MS);
    const customer = { metadata: { holdfast_time_zone: timeZone } };
    this.begun = await this.subscriptions.begin({ amount: PRICE, customer });
    await this.subscriptions.followed(this.id);
    await this.happened(true);
    const start: Command[] = [webhooks, { kind: 'bank', says: renewal }, { kind: 'renewal' }];
    for (const command of [...start, ...this.story.commands]) {
      this.told.push(JSON.stringify(command));
      await this.perform(command);
      await this.agree();
    }
    await this.finish();
  }

  private async perform(command: Command): Promise<void> {
    const isOver = this.model.stage === 'canceled';
    switch (command.kind) {
      case 'pass':
        return this.live(this.nowMs + command.hours * HOUR_MS);
      case 'renewal':
        return isOver ? undefined : this.live(this.periodEndMs + 3 * HOUR_MS);
      case 'bank':
        this.model.bank = command.says;
        return this.subscriptions.answerRenewals(this.begun.customerId, command.says);
      case 'card':
        return this.giveCard(command.isGood);
      case 'plan':
        return isOver ? undefined : this.changePlan(command.price);
      case 'cancel':
        return isOver ? undefined : this.cancel(command.atOnce);
      case 'webhooks':
        await sendWebhooks(this.world, command);
        this.isDeaf = command.way === 'lost';
        // What is told late is looked at as it is then.
        if (command.late) await this.happened(true);
    }
  }

  private get id(): string {
    return this.begun.subscriptionId;
  }

  private get nowMs(): number {
    return this.world.simulator.clock.now();
  }

  private async giveCard(isGood: boolean): Promise<void> {
    const paymentMethod = isGood ? 'pm_card_mastercard' : 'pm_card_chargeCustomerFail';
    const answer = await this.world.holdfast.paySubscription(this.id, { paymentMethod });
    const expected = this.model.givesCard(isGood, this.nowMs);
    expect({ told: this.told, ...answer }).toMatchObject(expected);
    // Whoever pays looks at what came of it.
    await this.happened(this.model.stage !== 'canceled');
  }

  private async changePlan(price: number): Promise<void> {
    const { stripe } = this.world.dependencies;
    const { product } = await stripe.prices.retrieve(this.begun.priceId);
    const other = await this.subscriptions.price(String(product), price);
    const item = this.atProvider.items.data[0]?.id ?? '';
    const items = [{ id: item, price: other }];
    await stripe.subscriptions.update(this.id, { items, proration_behavior: 'none' });
    this.model.price = price;
    await this.happened();
  }

  private async cancel(atOnce: boolean): Promise<void> {
    const { stripe } = this.world.dependencies;
    if (atOnce) {
      await stripe.subscriptions.cancel(this.id);
      this.model.cancel(this.nowMs);
    } else {
      await stripe.subscriptions.update(this.id, { cancel_at_period_end: true });
      this.model.endsWithPeriod = true;
    }
    await this.happened();
  }

  /**
   * Lives on, from one of the provider's times to the next: what it does comes first, then its webhooks, then our clock. So nothing is
   * told by what has not happened yet.
   */
  private async live(untilMs: number): Promise<void> {
    for (;;) {
      const next = this.nextEvent;
      // A moment is not cut in two: real time passes, too.
      const isLast = next === undefined || next.atMs > untilMs + 10 * MINUTE_MS;
      const toMs = isLast ? untilMs : next.atMs;
      await this.step(toMs - 5 * MINUTE_MS);
      if (isLast) return this.step(toMs);
      this.world.simulator.clock.advanceTo(toMs + SECOND_MS);
      if (next.invoiceId === undefined) this.model.renews(this.newestInvoice, next.atMs);
      else this.model.tried(next.atMs);
      await this.happened();
      await this.step(toMs + MINUTE_MS);
    }
  }

  private async step(toMs: number): Promise<void> {
    const ms = toMs - this.nowMs;
    if (ms <= 0) return;
    await this.subscriptions.live(this.id, ms, ms);
    // Whether a notice can be taken back must not depend on haste.
    await eventually('every notice to be sent', async () => {
      const rows = await this.subscriptions.notices(this.id);
      return rows.every((one) => one.status !== 'queued' && one.status !== 'sending');
    });
  }

  /** Something has changed at the provider: heard of by us, or not. */
  private async happened(isHeard = !this.isDeaf): Promise<void> {
    if (isHeard) this.unheard = [];
    this.unheard.push({ atMs: this.nowMs, summary: JSON.stringify(this.model.summary()) });
    await this.subscriptions.quiet();
  }

  /** What the provider does next by itself: it tries an invoice, or begins a period. Its own timetable is not what is tested. */
  private get nextEvent(): { readonly atMs: number; readonly invoiceId?: string } | undefined {
    if (this.model.stage === 'canceled') return undefined;
    const tries = this.invoices.flatMap(({ id, next_payment_attempt: at, status }) =>
      at === null || !['draft', 'open'].includes(status ?? '') ? [] : [{ atMs: at * 1_000, invoiceId: id }],
    );
    const all = [...tries, { atMs: this.periodEndMs }];
    return all.reduce((first, one) => (one.atMs < first.atMs ? one : first));
  }

  private get invoices(): readonly Stripe.Invoice[] {
    return this.world.simulator.state.objects('invoices') as readonly Stripe.Invoice[];
  }

  private get newestInvoice(): string {
    return this.invoices.reduce((newest, one) => (one.created >= newest.created ? one : newest)).id;
  }

  private get atProvider(): Stripe.Subscription {
    const all = this.world.simulator.state.objects('subscriptions') as readonly Stripe.Subscription[];
    const found = all.find((one) => one.id === this.id);
    if (found === undefined) throw new Error(`no subscription ${this.id}`);
    return found;
  }

  private get periodEndMs(): number {
    return (this.atProvider.items.data[0]?.current_period_end ?? 0) * 1_000;
  }

  /** What is recorded is what the model says; where nobody told of it, what it said at the last look or since then. */
  private async agree(): Promise<void> {
    let seen: SubscriptionView | undefined;
    await eventually('the subscription to agree with the model', async () => {
      seen = await this.subscriptions.view(this.id);
      const lookedAtMs = Date.parse(seen.fetchedAt);
      const from = this.unheard.findLastIndex((one) => one.atMs <= lookedAtMs);
      const may = this.unheard.slice(Math.max(0, from)).map((one) => one.summary);
      return may.includes(JSON.stringify(summary(seen)));
    }).catch(() => {
      expect({ told: this.told, is: seen && summary(seen) }).toEqual({ told: this.told, is: this.model.summary() });
    });
  }

  /** The bank is content and another period begins: now it must be known how it stands, and everything be said. */
  private async finish(): Promise<void> {
    this.told.push('the end');
    await this.perform({ kind: 'bank', says: 'approve' });
    await this.live(this.periodEndMs + 2 * DAY_MS);
    this.unheard = this.unheard.slice(-1);
    await this.agree();
    const { simulator } = this.world;
    const paid = this.invoices.filter((one) => one.status === 'paid' && one.amount_paid > 0);
    const amount = paid.reduce((sum, one) => sum + one.amount_paid, 0);
    const wrongs = [...(await this.wrongNotices()), ...(await this.wrongEvents(paid.length))];
    const { count } = this.model.paid;
    const expected = { told: this.told, paid: this.model.paid, wrongs: [] };
    expect({ told: this.told, paid: { count: paid.length, amount }, wrongs }).toEqual(expected);
    expect(simulator.state.charges().filter((one) => one.paid)).toHaveLength(count);
  }

  private async wrongNotices(): Promise<string[]> {
    const rows = await this.subscriptions.notices(this.id);
    const { timeZone } = this.story;
    const found = noticeWrongs(rows, this.model, this.policy, { timeZone, nowMs: this.nowMs });
    const said = rows.filter((one) => one.status !== 'canceled');
    const mails = this.world.mails(EMAIL).length;
    if (mails !== said.length || said.some((one) => one.status !== 'sent')) {
      found.push(`${mails} mails for ${said.map((one) => `${one.noticeKey} ${one.status}`).join(', ')}`);
    }
    return found;
  }

  /** Our own events come to where it stands: entitlement is granted and revoked in turn, and each payment is told once. */
  private async wrongEvents(paid: number): Promise<string[]> {
    const events = await this.subscriptions.events(this.id);
    const turns = events.filter((type) => type.startsWith('Entitlement'));
    const found: string[] = [];
    turns.forEach((type, index) => {
      if (type !== (index % 2 === 0 ? 'EntitlementGranted' : 'EntitlementRevoked')) found.push(turns.join(', '));
    });
    const isEntitled = this.model.stage === 'active' || this.model.stage === 'past_due';
    if ((turns.at(-1) === 'EntitlementGranted') !== isEntitled) found.push(`entitled at last: ${isEntitled}`);
    const told = events.filter((type) => type === 'SubscriptionPaid').length;
    if (told !== paid) found.push(`${paid} payments, ${told} told`);
    return found;
  }
}

function summary({ stage, entitled, items, cancelAtPeriodEnd }: SubscriptionView): object {
  const price = items[0]?.unitAmount;
  return { stage, entitled, price, endsWithPeriod: stage !== 'canceled' && cancelAtPeriodEnd };
}
