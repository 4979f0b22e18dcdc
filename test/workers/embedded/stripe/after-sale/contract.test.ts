import { distinctRequests, recordedRequests } from '../../../../../workers/embedded/stripe/server';
import { differences, differingFields, fetchAnswer, replay } from '../contract';
import { disputed, pay } from './support';
import { startStripeMock, type StripeMock } from '../stripe-mock';
import { stopAll } from '../support';

let mock: StripeMock;

beforeAll(async () => {
  mock = await startStripeMock();
}, 660_000);
afterAll(() => mock.stop());
afterEach(stopAll);

type Played = Awaited<ReturnType<typeof disputed>>;

/** Every request that there is of refunds, with every parameter that the simulator takes. */
async function playRefunds({ simulator, stripe }: Played): Promise<void> {
  const { intent, charge } = await pay(stripe);
  const refund = await stripe.refunds.create({
    payment_intent: intent.id,
    amount: 1000,
    reason: 'requested_by_customer',
    metadata: { refund_id: 'r-1' },
    expand: ['balance_transaction', 'charge', 'payment_intent.latest_charge', 'failure_balance_transaction'],
  });
  simulator.setNextRefund({ kind: 'requires_action' }, { times: 2 });
  const asked = await stripe.refunds.create({
    charge,
    amount: 100,
    instructions_email: 'buyer@example.com',
    refund_application_fee: false,
    reverse_transfer: false,
  });
  await stripe.refunds.cancel(asked.id, { expand: ['charge'] });
  await stripe.testHelpers.refunds.expire((await stripe.refunds.create({ charge, amount: 100 })).id);
  await stripe.refunds.update(refund.id, { metadata: { refund_id: 'r-2' } });
  await stripe.refunds.retrieve(refund.id, { expand: ['customer', 'payment_method'] });
  await stripe.refunds.list({ payment_intent: intent.id, limit: 3, created: { gte: 1 }, expand: ['data.charge'] });
  await stripe.refunds.list({ charge });
  await stripe.charges.retrieve(charge, { expand: ['refunds.data.balance_transaction', 'balance_transaction'] });
}

async function playDisputes({ simulator, stripe, dispute, charge, intent }: Played): Promise<void> {
  await stripe.disputes.retrieve(dispute.id, { expand: ['charge', 'payment_intent'] });
  await stripe.disputes.list({ payment_intent: intent.id, created: { gte: 1 }, limit: 3, expand: ['data.charge'] });
  await stripe.disputes.list({ charge });
  await stripe.disputes.update(dispute.id, {
    submit: false,
    metadata: { order_id: 'o-1' },
    evidence: {
      access_activity_log: 'log',
      billing_address: '1 Main St',
      cancellation_policy: 'file_1',
      cancellation_policy_disclosure: 'shown',
      cancellation_rebuttal: 'none',
      customer_communication: 'file_1',
      customer_email_address: 'buyer@example.com',
      customer_name: 'Sample',
      customer_purchase_ip: '192.0.2.1',
      customer_signature: 'file_1',
      duplicate_charge_documentation: 'file_1',
      duplicate_charge_explanation: 'none',
      duplicate_charge_id: 'ch_1',
      product_description: 'A mug',
      receipt: 'file_1',
      refund_policy: 'file_1',
      refund_policy_disclosure: 'shown',
      refund_refusal_explanation: 'none',
      service_date: '2026-01-01',
      service_documentation: 'file_1',
      shipping_address: '1 Main St',
      shipping_carrier: 'dhl',
      shipping_date: '2026-01-01',
      shipping_documentation: 'file_1',
      shipping_tracking_number: 'T1',
      uncategorized_file: 'file_1',
      uncategorized_text: 'winning_evidence',
    },
  });
  await stripe.disputes.update(dispute.id, { submit: true });
  simulator.clock.advanceBy(5_000);
  const other = await pay(stripe);
  simulator.raiseFraudWarning({ charge: other.charge });
  await stripe.disputes.close(simulator.openDispute({ charge: other.charge }).id);
  const { data } = await stripe.radar.earlyFraudWarnings.list({ charge: other.charge, expand: ['data.charge'] });
  await stripe.radar.earlyFraudWarnings.list({ payment_intent: other.intent.id, created: { gte: 1 }, limit: 3 });
  await stripe.radar.earlyFraudWarnings.retrieve(data[0]?.id ?? '', { expand: ['charge', 'payment_intent'] });
}

async function playBalance({ stripe, charge }: Played): Promise<void> {
  const [transaction] = (await stripe.balanceTransactions.list({ source: charge, limit: 1 })).data;
  await stripe.balanceTransactions.retrieve(transaction?.id ?? '', { expand: ['source'] });
  await stripe.balanceTransactions.list({
    type: 'charge',
    currency: 'usd',
    created: { gte: 1 },
    payout: 'po_1',
    expand: ['data.source'],
  });
  await stripe.balance.retrieve();
}

it('Stripe’s own mock accepts every request about refunds and disputes', async () => {
  const played = await disputed();
  await playRefunds(played);
  await playDisputes(played);
  await playBalance(played);
  expect(played.simulator.state.requests().filter(({ status }) => status !== 200)).toEqual([]);
  const requests = distinctRequests(recordedRequests(played.simulator));
  expect(requests.length).toBeGreaterThanOrEqual(23);
  expect((await replay(mock.url, requests)).filter(({ verdict }) => verdict === 'refused')).toEqual([]);
});

/** Fields that the answers do not share, each with its reason; everything else agrees. */
const DIFFERENT: Readonly<Record<string, string>> = {
  '-connect_reserved': 'of platforms only',
  '+payment_intent': 'optional in the specification, and always there for a PaymentIntent',
  '+destination_details.card.reference': 'known of a refund that is through, and the mock shows none',
  '+destination_details.card.reference_status': 'likewise',
  '+destination_details.card.reference_type': 'likewise',
  '+network_reason_code': 'newer than the mock',
  '+intended_submission_method': 'newer than the mock',
  '+evidence_details.submission_method': 'newer than the mock',
};

it('answers with the fields of Stripe’s own mock', async () => {
  const { simulator, stripe, dispute, charge } = await disputed();
  const paid = await pay(stripe);
  const refund = await stripe.refunds.create({ charge: paid.charge });
  const warning = simulator.raiseFraudWarning({ charge });
  const [transaction] = simulator.state.balanceTransactions();
  const paths = [
    `/v1/refunds/${refund.id}`,
    `/v1/disputes/${dispute.id}`,
    `/v1/radar/early_fraud_warnings/${warning.id}`,
    `/v1/balance_transactions/${transaction?.id ?? ''}`,
    '/v1/balance',
    '/v1/refunds',
    '/v1/disputes',
    '/v1/radar/early_fraud_warnings',
    '/v1/balance_transactions',
  ];
  expect(await differingFields(stripe, mock.url, paths)).toEqual(Object.keys(DIFFERENT).sort());
});

it('is a check that can fail', async () => {
  const answer: unknown = await fetchAnswer(mock.url, '/v1/balance_transactions/txn_1');
  const theirs = answer as Record<string, unknown>;
  const { net: _net, ...rest } = theirs;
  expect(differences(theirs, { ...rest, fee: '0', colour: 'red' })).toEqual(['fee', '-net', '+colour']);
});
