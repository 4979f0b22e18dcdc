import { ConfigurationError, parseConfig, readCommandLine } from '../../workers/config/config';
import { helpAsked } from '../../workers/processes/command-line';

const KEY = Buffer.alloc(32, 7).toString('base64');
const API_KEY = 'key-for-tests-0123456789';

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

test('an empty environment leaves everything to be embedded', () => {
  expect(parseConfig({ DATABASE_URL: '', PATH: '/bin' })).toEqual({
    temporal: { namespace: 'default', taskQueue: 'holdfast' },
    retention: { auditLogDays: 3_653, operationsDays: 180, authorizationResultsDays: 396 },
    port: 8080,
    probes: { host: '127.0.0.1', port: 8081 },
    apiKeys: [],
    encryptionKeys: [],
  });
});

test('retention times are at least as long as the data is needed', () => {
  const days = (audit: string, operations: string, results: string) => ({
    HOLDFAST_KEEP_AUDIT_DAYS: audit,
    HOLDFAST_KEEP_OPERATIONS_DAYS: operations,
    HOLDFAST_KEEP_AUTHORIZATION_RESULTS_DAYS: results,
  });
  expect(parseConfig(days('365', '90', '31')).retention).toEqual({
    auditLogDays: 365,
    operationsDays: 90,
    authorizationResultsDays: 31,
  });
  expect(problemsOf(days('364', '89', '1e3'))).toEqual([
    'HOLDFAST_KEEP_AUDIT_DAYS must be a number of days from 365 to 36525',
    'HOLDFAST_KEEP_OPERATIONS_DAYS must be a number of days from 90 to 36525',
    'HOLDFAST_KEEP_AUTHORIZATION_RESULTS_DAYS must be a number of days from 31 to 36525',
  ]);
});

test('a full environment is read', () => {
  const config = parseConfig({
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    TEMPORAL_NAMESPACE: 'shop',
    HOLDFAST_TASK_QUEUE: 'orders',
    DATABASE_URL: 'postgres://user:secret@db/holdfast',
    REDIS_URL: 'rediss://cache:6380',
    STRIPE_SECRET_KEY: 'sk_live_abc',
    HOLDFAST_PAYMENT_LINK: 'https://shop.example/{orderId}',
    STRIPE_WEBHOOK_SECRET: 'whsec_new, whsec_old',
    STRIPE_API_URL: 'http://127.0.0.1:12111',
    LWA_CLIENT_ID: 'id',
    LWA_CLIENT_SECRET: 'secret',
    SP_API_REFRESH_TOKEN: 'token',
    SQS_QUEUE_URL: 'https://sqs.example/1/queue',
    PORT: '9090',
    HOLDFAST_API_KEYS: `${API_KEY},${API_KEY}2`,
    HOLDFAST_ENCRYPTION_KEYS: `b:${KEY},a:${KEY}`,
  });
  expect(config.temporal).toMatchObject({
    namespace: 'shop',
    taskQueue: 'orders',
    connection: { address: 'temporal.example:7233' },
  });
  expect(config.stripe).toEqual({
    secretKey: 'sk_live_abc',
    webhookSecrets: ['whsec_new', 'whsec_old'],
    apiUrl: 'http://127.0.0.1:12111',
  });
  expect(config.amazon).toEqual({
    clientId: 'id',
    clientSecret: 'secret',
    refreshToken: 'token',
    sqsQueueUrl: 'https://sqs.example/1/queue',
  });
  expect(config.port).toBe(9090);
  expect(config.apiKeys).toHaveLength(2);
  expect(config.encryptionKeys.map(({ id, key }) => [id, key.length])).toEqual([
    ['b', 32],
    ['a', 32],
  ]);
});

test('every wrong variable is named at once, without its value', () => {
  const env = {
    TEMPORAL_ADDRESS: 'nonsense-value',
    DATABASE_URL: 'mysql://nonsense-value',
    REDIS_URL: 'nonsense-value',
    STRIPE_SECRET_KEY: 'nonsense-value',
    STRIPE_WEBHOOK_SECRET: 'nonsense-value',
    STRIPE_API_URL: 'nonsense-value',
    SP_API_URL: 'nonsense-value',
    PORT: '99999',
    HOLDFAST_API_KEYS: 'nonsense-value',
    HOLDFAST_ENCRYPTION_KEYS: 'a:nonsense-value',
  };
  const problems = problemsOf(env).join('\n');
  for (const name of Object.keys(env)) expect(problems).toContain(name);
  expect(problems).toContain('LWA_CLIENT_ID must be set because SP_API_URL is');
  expect(problems).not.toContain('nonsense-value');
});

test.each([
  [{ STRIPE_SECRET_KEY: 'sk_test_a' }, 'STRIPE_WEBHOOK_SECRET must be set'],
  [{ STRIPE_WEBHOOK_SECRET: 'whsec_a' }, 'STRIPE_SECRET_KEY must be set'],
  [{ STRIPE_API_URL: 'http://127.0.0.1:1' }, 'STRIPE_SECRET_KEY must be set'],
  [{ LWA_CLIENT_ID: 'a', SP_API_REFRESH_TOKEN: 'b' }, 'LWA_CLIENT_SECRET must be set'],
  [{ HOLDFAST_ENCRYPTION_KEYS: `a:${KEY},a:${KEY}` }, 'must not repeat an id'],
  [{ HOLDFAST_ENCRYPTION_KEYS: `a:${Buffer.alloc(16).toString('base64')}` }, '32 bytes'],
  [{ PORT: '0' }, 'PORT must be'],
  [{ STRIPE_SECRET_KEY: 'sk_test_a', STRIPE_WEBHOOK_SECRET: 'whsec_a' }, 'HOLDFAST_PAYMENT_LINK must be set'],
  [{ HOLDFAST_PAYMENT_LINK: 'https://shop.example/pay' }, 'must contain {orderId}'],
  [{ HOLDFAST_PAYMENT_LINK: 'shop.example/{orderId}' }, 'must be an http:// or https:// URL'],
])('%j is refused', (env, expected) => {
  expect(problemsOf(env).join('\n')).toContain(expected);
});

test.each([
  ['http://stripe.example', false],
  ['http://127.0.0.1.example.com', false],
  ['https://stripe.example', true],
  ['http://localhost:12111', true],
  ['http://[::1]:12111', true],
])('a live key to %s: accepted is %s', (apiUrl, accepted) => {
  const stripe = { STRIPE_SECRET_KEY: 'sk_live_a', STRIPE_WEBHOOK_SECRET: 'whsec_a', STRIPE_API_URL: apiUrl };
  const env = { ...stripe, HOLDFAST_PAYMENT_LINK: 'https://shop.example/{orderId}' };
  expect(problemsOf(env).length === 0).toBe(accepted);
});

test('the command line', () => {
  expect(readCommandLine([])).toEqual({ ports: 'fixed', fresh: false, json: false, exit: false });
  expect(readCommandLine(['--ports', 'auto', '--fresh', '--json', '--exit', '--port', '9000'])).toEqual({
    ports: 'auto',
    fresh: true,
    json: true,
    exit: true,
    port: 9000,
  });
  expect(helpAsked(['--ports', 'auto', '--help'])).toContain('--fresh');
  expect(helpAsked(['--fresh'])).toBeUndefined();
  expect(() => readCommandLine(['--wrong'])).toThrow(/--wrong[\s\S]*flags:/);
  expect(() => readCommandLine(['--ports', 'some', '--port', '0'])).toThrow(/--ports must be[\s\S]*--port must be/);
});

describe('the limits of Stripe', () => {
  const stripe = (key: string): NodeJS.ProcessEnv => ({
    ...{ STRIPE_SECRET_KEY: key, STRIPE_WEBHOOK_SECRET: 'whsec_a' },
    HOLDFAST_PAYMENT_LINK: 'https://shop.example/{orderId}',
  });

  it.each([
    ['a live key', stripe('sk_live_abc'), { perSecond: 100, perEndpoint: 25, localShare: 0.25 }],
    ['a test key', stripe('rk_test_abc'), { perSecond: 25, perEndpoint: 25, localShare: 0.25 }],
    [
      'all of it set',
      {
        ...stripe('sk_live_abc'),
        STRIPE_RATE_LIMIT: '300',
        STRIPE_ENDPOINT_RATE_LIMIT: '50',
        STRIPE_RATE_LIMIT_SHARE: '0.5',
      },
      { perSecond: 300, perEndpoint: 50, localShare: 0.5 },
    ],
    ['the simulator', {}, undefined],
    ['the simulator, limited', { STRIPE_RATE_LIMIT: '40' }, { perSecond: 40, perEndpoint: 25, localShare: 0.25 }],
  ])('for %s', (_, env, expected) => {
    expect(parseConfig(env).stripeLimits).toEqual(expected);
  });

  it('are named when they are wrong', () => {
    const env = { STRIPE_RATE_LIMIT: '0', STRIPE_ENDPOINT_RATE_LIMIT: '1e3', STRIPE_RATE_LIMIT_SHARE: 'half' };
    expect(problemsOf(env)).toEqual([
      'STRIPE_RATE_LIMIT must be a number of requests a second from 5 to 10000',
      'STRIPE_ENDPOINT_RATE_LIMIT must be a number of requests a second from 5 to 10000',
      'STRIPE_RATE_LIMIT_SHARE must be a share from 0.01 to 1',
    ]);
  });
});

describe('how notices leave', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const mail = { SMTP_URL: 'smtps://user:secret@mail.example:465', MAIL_FROM: 'Sample Shop <shop@shop.example>' };
  const webhook = { NOTICE_WEBHOOK_URL: 'https://shop.example/notices', NOTICE_WEBHOOK_SECRET: secret };

  it('is read', () => {
    expect(parseConfig({ ...mail, HOLDFAST_SHOP_EMAIL: 'people@shop.example', ...webhook }).notifications).toEqual({
      mail: { url: mail.SMTP_URL, from: mail.MAIL_FROM, shopEmail: 'people@shop.example' },
      webhook: { url: webhook.NOTICE_WEBHOOK_URL, secret },
    });
    const off = parseConfig({ ...mail, HOLDFAST_MAILS_OFF: 'order_confirmed, order_shipped' }).notifications?.mail?.off;
    expect(off).toEqual(['order_confirmed', 'order_shipped']);
    expect(parseConfig(webhook).notifications).toEqual({ webhook: { url: webhook.NOTICE_WEBHOOK_URL, secret } });
    expect(parseConfig({ ...mail, MAIL_FROM: 'shop@shop.example' }).notifications?.mail?.from).toBe(
      'shop@shop.example',
    );
  });

  it.each([
    [{ SMTP_URL: mail.SMTP_URL }, ['MAIL_FROM must be set because SMTP_URL is']],
    [{ MAIL_FROM: mail.MAIL_FROM }, ['SMTP_URL must be set because MAIL_FROM is']],
    [
      { ...mail, HOLDFAST_MAILS_OFF: 'order_confirmed, order_posted' },
      [expect.stringMatching(/^HOLDFAST_MAILS_OFF.* must be kinds of notices, comma-separated: order_confirmed, /)],
    ],
    [
      { HOLDFAST_SHOP_EMAIL: 'people@shop.example' },
      ['SMTP_URL must be set because HOLDFAST_SHOP_EMAIL is', 'MAIL_FROM must be set because HOLDFAST_SHOP_EMAIL is'],
    ],
    [{ NOTICE_WEBHOOK_SECRET: secret }, ['NOTICE_WEBHOOK_URL must be set because NOTICE_WEBHOOK_SECRET is']],
    [
      { SMTP_URL: 'mail.example:25', MAIL_FROM: 'shop', HOLDFAST_SHOP_EMAIL: 'a@b.example, c@d.example' },
      [
        'SMTP_URL must be an smtp:// or smtps:// URL',
        'MAIL_FROM must be an e-mail address, or Name <address>',
        'HOLDFAST_SHOP_EMAIL must be an e-mail address',
      ],
    ],
    [
      { NOTICE_WEBHOOK_URL: 'shop.example/notices', NOTICE_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' },
      [
        'NOTICE_WEBHOOK_URL must be an http:// or https:// URL',
        'NOTICE_WEBHOOK_SECRET must be whsec_ and the base64 of 24 to 64 bytes',
      ],
    ],
    [
      { ...webhook, NOTICE_WEBHOOK_SECRET: 'whsec_not base64!' },
      ['NOTICE_WEBHOOK_SECRET must be whsec_ and the base64 of 24 to 64 bytes'],
    ],
  ])('half set or wrong, %j is refused with every name', (env, problems) => {
    expect(problemsOf(env)).toEqual(problems);
  });
});
