import type Stripe from 'stripe';
import { check, fc } from '../../../../support/property';
import { stopAll } from '../support';
import { addMethod, addPrice, DAY_MS, openShop, type Shop } from './support';

afterEach(stopAll);

type Action =
  | { kind: 'advance'; days: number }
  | { kind: 'issuer'; outcomes: string[] }
  | { kind: 'subscribe'; trialDays: number }
  | { kind: 'card'; name: string }
  | {
      kind: 'pay' | 'void' | 'writeOff' | 'cancel' | 'endAtPeriod' | 'stay' | 'page' | 'endTrial' | 'resume';
      pick: number;
    }
  | {
      kind: 'change';
      pick: number;
      quantity: number;
      proration: 'always_invoice' | 'create_prorations' | 'none';
      behavior: string;
    }
  | { kind: 'pause'; pick: number; behavior: 'keep_as_draft' | 'void' | 'mark_uncollectible' | '' }
  | { kind: 'settings'; onExhausted: 'cancel' | 'unpaid' | 'past_due'; invoiceOnExhausted: 'open' | 'uncollectible' };

const pick = fc.nat(5);
const outcome = fc.constantFrom(
  'approve',
  'insufficient_funds',
  'lost_card',
  'authentication_required',
  'do_not_honor',
);
const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('advance'), days: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('issuer'), outcomes: fc.array(outcome, { maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe'), trialDays: fc.integer({ min: 0, max: 10 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('card'),
      name: fc.constantFrom('pm_card_visa', 'pm_card_chargeCustomerFail', 'pm_card_authenticationRequired'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('pay', 'void', 'writeOff', 'cancel', 'endAtPeriod', 'stay', 'page', 'endTrial', 'resume'),
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('change'),
      pick,
      quantity: fc.integer({ min: 1, max: 4 }),
      proration: fc.constantFrom('always_invoice', 'create_prorations', 'none'),
      behavior: fc.constantFrom(
        'allow_incomplete',
        'default_incomplete',
        'error_if_incomplete',
        'pending_if_incomplete',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pause'),
      pick,
      behavior: fc.constantFrom('keep_as_draft', 'void', 'mark_uncollectible', ''),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('settings'),
      onExhausted: fc.constantFrom('cancel', 'unpaid', 'past_due'),
      invoiceOnExhausted: fc.constantFrom('open', 'uncollectible'),
    }),
  },
) as fc.Arbitrary<Action>;

const subscriptionsOf = ({ simulator }: Shop): Stripe.Subscription[] =>
  simulator.state.objects('subscriptions') as Stripe.Subscription[];
const invoicesOf = ({ simulator }: Shop): Stripe.Invoice[] => simulator.state.objects('invoices') as Stripe.Invoice[];

async function act(shop: Shop, action: Action): Promise<unknown> {
  const { stripe, simulator, customer, price } = shop;
  const at = 'pick' in action ? action.pick : 0;
  const subscription = subscriptionsOf(shop).at(-1 - at)?.id ?? 'sub_none';
  const invoice = invoicesOf(shop).at(-1 - at)?.id ?? 'in_none';
  const item = subscriptionsOf(shop).at(-1 - at)?.items.data[0]?.id ?? 'si_none';
  switch (action.kind) {
    case 'advance':
      return simulator.clock.advanceBy(action.days * DAY_MS);
    case 'issuer':
      return simulator.issueDecision(customer, action.outcomes, { scope: 'all' });
    case 'subscribe':
      return stripe.subscriptions.create({
        customer,
        items: [{ price }],
        ...(action.trialDays === 0 ? {} : { trial_period_days: action.trialDays }),
        trial_settings: { end_behavior: { missing_payment_method: 'pause' } },
      });
    case 'card':
      return addMethod(stripe, customer, action.name);
    case 'pay':
      return stripe.invoices.pay(invoice);
    case 'void':
      return stripe.invoices.voidInvoice(invoice);
    case 'writeOff':
      return stripe.invoices.markUncollectible(invoice);
    case 'page':
      return simulator.payInvoice(invoice);
    case 'cancel':
      return stripe.subscriptions.cancel(subscription, { invoice_now: true, prorate: true });
    case 'endAtPeriod':
      return stripe.subscriptions.update(subscription, { cancel_at_period_end: true });
    case 'stay':
      return stripe.subscriptions.update(subscription, { cancel_at_period_end: false });
    case 'endTrial':
      return stripe.subscriptions.update(subscription, { trial_end: 'now' });
    case 'resume':
      return stripe.subscriptions.resume(subscription, { payment_behavior: 'resume_on_payment_success' });
    case 'change':
      return stripe.subscriptions.update(subscription, {
        items: [{ id: item, quantity: action.quantity }],
        proration_behavior: action.proration,
        payment_behavior: action.behavior,
      });
    case 'pause':
      return stripe.subscriptions.update(subscription, {
        pause_collection: action.behavior === '' ? '' : { behavior: action.behavior },
      });
    case 'settings':
      return simulator.setBilling({ onExhausted: action.onExhausted, invoiceOnExhausted: action.invoiceOnExhausted });
  }
}

/** Money and promises that hold whatever happens. */
function assertBooks(shop: Shop): void {
  const { simulator } = shop;
  const nowSeconds = simulator.clock.now() / 1000;
  const paid = invoicesOf(shop).filter(({ status }) => status === 'paid');
  const charged = simulator.state.charges().filter(({ paid: isPaid }) => isPaid);
  const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);
  expect(sum(paid.map(({ amount_paid: amount }) => amount))).toBe(sum(charged.map(({ amount }) => amount)));
  for (const invoice of invoicesOf(shop)) {
    expect(invoice.amount_paid + invoice.amount_remaining).toBe(invoice.amount_due);
    expect(sum(invoice.lines.data.map(({ amount }) => amount))).toBe(invoice.total);
    const next = invoice.next_payment_attempt;
    if (next === null) continue;
    expect(['draft', 'open']).toContain(invoice.status);
    expect(next).toBeGreaterThan(nowSeconds - 5);
  }
  for (const { status, items, latest_invoice: latest } of subscriptionsOf(shop)) {
    expect(invoicesOf(shop).map(({ id }) => id)).toContain(latest);
    if (['active', 'trialing', 'past_due', 'unpaid'].includes(status))
      expect(items.data[0]?.current_period_end).toBeGreaterThan(nowSeconds - 5);
  }
}

it('money and invoices agree and every plan continues, whatever is requested and whatever banks answer', async () => {
  await check(
    'billing books',
    fc.asyncProperty(fc.array(actions, { minLength: 5, maxLength: 30 }), async (played) => {
      const shop = await openShop({ enforceMinimumAmounts: false });
      const product = (await shop.stripe.products.create({ name: 'Ten days' })).id;
      const price = await addPrice(shop.stripe, product, 1000, { interval: 'day', interval_count: 10 });
      for (const action of [{ kind: 'subscribe', trialDays: 0 } as const, ...played]) {
        try {
          await act({ ...shop, price }, action);
        } catch (error) {
          // A refusal is an answer; anything else is a defect.
          const { statusCode } = error as { statusCode?: number };
          const isRefusal = statusCode !== undefined && statusCode < 500;
          if (!isRefusal && !/No invoice to pay/.test(String(error))) throw error;
        }
        assertBooks(shop);
      }
      await shop.simulator.stop();
    }),
    { numRuns: 30 },
  );
}, 120_000);
