import { DEFAULT_DUNNING_POLICY } from '../../../workflows/domain/dunning/policy';
import { fc } from '../../support/property';
import type { BankWord } from './subscription-model';
import { webhookWays } from './webhook-ways';

const MOST_COMMANDS = 8;

const banks = fc.constantFrom<BankWord>('insufficient_funds', 'stolen_card', 'approve');

const commands = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), hours: fc.constantFrom(5, 26, 50, 170, 350) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('renewal' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('bank' as const), says: banks }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('card' as const), isGood: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('plan' as const), price: fc.constantFrom(900, 4_900) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), atOnce: fc.boolean() }) },
  { weight: 3, arbitrary: webhookWays },
);
export type Command = typeof commands extends fc.Arbitrary<infer Value> ? Value : never;

/** One subscriber: where they live, what their shop does, and what happens, beginning with the first renewal. */
export const stories = fc.record({
  /** Of the day by UTC at which it is renewed. */
  hour: fc.integer({ min: 0, max: 23 }),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/Los_Angeles', 'Asia/Kolkata', 'Pacific/Auckland'),
  quietHours: fc.constantFrom(
    DEFAULT_DUNNING_POLICY.quietHours,
    { from: '00:00', to: '00:00' },
    { from: '09:30', to: '18:45' },
    { from: '00:00', to: '11:00' },
  ),
  outcome: fc.constantFrom<'canceled' | 'unpaid'>('canceled', 'unpaid'),
  renewal: banks,
  webhooks: webhookWays,
  commands: fc.array(commands, { minLength: 3, maxLength: MOST_COMMANDS, size: 'max' }),
});
export type Story = typeof stories extends fc.Arbitrary<infer Value> ? Value : never;
