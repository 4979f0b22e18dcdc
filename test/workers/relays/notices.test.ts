import { messageIdOf } from '../../../activities/notifications';
import type { Notice } from '../../../workflows/domain/notice/notices';
import { openNoticeWorld, recovered, until, type NoticeWorld } from './notice-world';

const HOUR_MS = 3_600_000;
/** Longer than any lease. */
const LEASE_OVER_MS = 121_000;

let world: NoticeWorld;
beforeAll(async () => void (world = await openNoticeWorld()));
afterEach(() => world.reset());
afterAll(() => world.close());

const mails = () => world.mail.mails();
const queueOne = async (changes: Parameters<typeof recovered>[0] = {}): Promise<Notice> => {
  const notice = recovered(changes);
  await world.queue(notice);
  return notice;
};

describe('a notice', () => {
  it('is sent once in each channel, without personal data in rows, logs or webhooks', async () => {
    await world.shop.place('ord_1');
    const notice: Notice = {
      noticeKey: 'refund:ref_1:done',
      kind: 'refund_done',
      subject: { type: 'refund', id: 'ref_1', orderId: 'ord_1' },
      recipient: { to: 'order_customer', orderId: 'ord_1' },
      data: { amount: { amount: 500, currency: 'eur' }, orderId: 'ord_1' },
      dueAt: '2031-03-01T00:00:00.000Z',
    };
    // Told twice under its key, it is the same notice.
    await world.queue(notice, notice);
    await world.queue(notice);
    await world.shop.sql(`DELETE FROM notices WHERE kind = 'order_confirmed'`);
    expect(await world.run(world.relay(world.both))).toBe(1);
    expect(await world.run(world.relay(world.both))).toBe(0);
    expect(mails()).toMatchObject([
      {
        to: ['buyer@example.org'],
        from: 'shop@shop.example',
        subject: 'Your refund of 5.00 EUR is confirmed',
        text: expect.stringContaining('Hello Sample Buyer,'),
        html: expect.stringContaining('<strong>5.00 EUR</strong>'),
        messageId: messageIdOf(notice, 'shop@shop.example'),
        headers: { 'auto-submitted': 'auto-generated' },
      },
    ]);
    const { kind, subject, data, dueAt } = notice;
    expect(world.receiver.received).toEqual([
      { id: notice.noticeKey, body: { type: kind, subject, data, occurredAt: dueAt } },
    ]);
    expect(world.receiver.forged()).toBe(0);
    expect(await world.view(notice.noticeKey)).toEqual({
      noticeKey: notice.noticeKey,
      kind,
      subject,
      status: 'sent',
      channels: ['smtp', 'webhook'],
      dueAt,
      sentAt: '2031-03-01T00:00:00.000Z',
      attempts: 1,
    });
    const rows = JSON.stringify(await world.shop.sql('SELECT * FROM notices'));
    for (const text of [rows, world.logged()]) expect(text).not.toMatch(/buyer@|Sample Buyer|Sample Customer/);
  });

  it('to the shop goes to the shop', async () => {
    await world.queue({
      noticeKey: 'settlement:2031-02-28',
      kind: 'settlement_differs',
      subject: { type: 'settlement', id: '2031-02-28' },
      recipient: { to: 'shop' },
      data: { date: '2031-02-28', differences: 2 },
      dueAt: '2031-03-01T00:00:00.000Z',
    });
    await world.run(world.relay());
    expect(mails()).toMatchObject([{ to: ['people@shop.example'], subject: '2 settlement differences on 2031-02-28' }]);
    expect(mails()[0]?.text).not.toContain('Hello');
  });

  it('goes to the log when nothing else is configured, with no more than its subject', async () => {
    const notice = await queueOne();
    await world.run(world.relay({}));
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['log'] });
    const line = world
      .logged()
      .split('\n')
      .find((one) => one.includes('"msg":"notice"'));
    expect(JSON.parse(line ?? '')).toMatchObject({ noticeKey: notice.noticeKey, kind: 'payment_recovered' });
    expect(world.logged()).not.toContain('Tea Club');
  });

  it('of a kind that the shop mails itself is not mailed, but still goes to the webhook', async () => {
    const notice = await queueOne();
    await world.run(world.relay({ ...world.both, mail: { ...world.mailOnly.mail, off: ['payment_recovered'] } }));
    expect(mails()).toEqual([]);
    expect(world.receiver.received.map(({ id }) => id)).toEqual([notice.noticeKey]);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['webhook'] });
  });

  it('without an address fails permanently', async () => {
    await world.queue(recovered({ noticeKey: 'k', recipient: { to: 'order_customer', orderId: 'ord_unknown' } }));
    await world.run(world.relay());
    expect(await world.view('k')).toMatchObject({ status: 'failed', lastError: 'smtp: there is no e-mail address' });
  });

  it('with a comma in the address goes to no other recipient', async () => {
    const notice = await queueOne({
      recipient: { to: 'provider_customer', stripeCustomerId: 'a@a.example, b@b.example' },
    });
    await world.run(world.relay());
    expect(mails().flatMap(({ to }) => to)).not.toContain('a@a.example');
    expect((await world.view(notice.noticeKey)).status).not.toBe('sent');
  });

  it('is shown by subject, order and status, newest first', async () => {
    const [first, second] = [
      recovered(),
      recovered({ subject: { type: 'subscription', id: 'sub_x', orderId: 'ord_x' } }),
    ];
    await world.queue(first);
    world.clock.nowMs += 1;
    await world.queue(second);
    const keys = async (filter: object): Promise<string[]> =>
      (await world.store.listNotices({ limit: 10, ...filter })).map(({ noticeKey }) => noticeKey);
    expect(await keys({})).toEqual([second.noticeKey, first.noticeKey]);
    expect(await keys({ limit: 1 })).toEqual([second.noticeKey]);
    expect(await keys({ orderId: 'ord_x' })).toEqual([second.noticeKey]);
    expect(await keys({ subject: { type: 'subscription', id: first.subject.id } })).toEqual([first.noticeKey]);
    expect(await keys({ subject: { type: 'refund', id: first.subject.id } })).toEqual([]);
    expect([await keys({ status: 'queued' }), await keys({ status: 'sent' })]).toEqual([
      [second.noticeKey, first.noticeKey],
      [],
    ]);
  });
});

describe('a failure before the message is accepted is retried', () => {
  it.each([
    [
      'no mail server',
      () => ({ mail: { url: 'smtp://127.0.0.1:1', from: 'shop@shop.example' } }),
      'smtp: the mail server could not be reached (ESOCKET)',
    ],
    [
      'a recipient who is put off',
      () => void world.mail.setFaults({ refuseRecipient: 451 }),
      'smtp: the mail server answered 451 at RCPT TO',
    ],
    [
      'content that is put off',
      () => void world.mail.setFaults({ refuseContent: 452 }),
      'smtp: the mail server answered 452 at DATA',
    ],
  ])('%s', async (_what, breakIt, lastError) => {
    const notice = await queueOne();
    const relay = world.relay(breakIt() ?? world.mailOnly);
    expect(await world.run(relay)).toBe(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'queued',
      attempts: 1,
      lastError,
      channels: [],
    });
    // 2 s, 4 s, 8 s, …: it comes back, and not before.
    world.clock.nowMs += 1_999;
    expect(await world.run(relay)).toBe(0);
    world.clock.nowMs += 1;
    expect(await world.run(relay)).toBe(1);
    world.clock.nowMs += 3_999;
    expect(await world.run(relay)).toBe(0);
    expect(await world.view(notice.noticeKey)).toMatchObject({ attempts: 2 });
    expect(mails()).toEqual([]);
  });

  it('and the message is sent once', async () => {
    const notice = await queueOne();
    const relay = world.relay(world.both);
    world.mail.setFaults({ refuseRecipient: 450 });
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'queued', channels: ['webhook'] });
    world.mail.setFaults({});
    world.clock.nowMs += 2_000;
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'sent',
      channels: ['webhook', 'smtp'],
      attempts: 2,
    });
    expect([mails().length, world.receiver.received.length]).toEqual([1, 1]);
    expect((await world.view(notice.noticeKey)).lastError).toBeUndefined();
  });

  it('and given up after three days', async () => {
    const notice = await queueOne();
    const relay = world.relay();
    world.mail.setFaults({ refuseRecipient: 450 });
    for (let hour = 0; hour < 72; hour += 1) {
      await world.run(relay);
      world.clock.nowMs += HOUR_MS;
    }
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'queued' });
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'failed',
      lastError: 'smtp: the mail server answered 450 at RCPT TO',
    });
    expect(await world.run(relay)).toBe(0);
  });

  it.each([
    [{ refuseRecipient: 550 }, 'smtp: the mail server answered 550 at RCPT TO'],
    [{ refuseContent: 554 }, 'smtp: the mail server answered 554 at DATA'],
  ])('but not after a permanent refusal: %j', async (faults, lastError) => {
    const notice = await queueOne();
    world.mail.setFaults(faults);
    await world.run(world.relay(world.both));
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'failed', channels: ['webhook'], lastError });
    expect(world.receiver.received).toHaveLength(1);
  });

  it.each([
    [500, 'queued', 'webhook: the receiver answered 500'],
    [302, 'queued', 'webhook: the receiver answered 302'],
    [410, 'failed', 'webhook: the receiver answered 410'],
  ])('a webhook answered with %i: %s', async (status, expected, lastError) => {
    const notice = await queueOne();
    world.receiver.answer(status);
    await world.run(world.relay(world.both));
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: expected, channels: ['smtp'], lastError });
    expect([mails().length, world.receiver.received.length]).toEqual([1, 1]);
  });
});

describe('an unknown outcome', () => {
  it('of a mail is never retried, and is shown', async () => {
    const notice = await queueOne();
    world.mail.setFaults({ dropAfterData: true });
    const relay = world.relay(world.both);
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'in_doubt',
      channels: ['webhook'],
      lastError: expect.stringMatching(/^smtp: the mail server had the message, but its answer was lost \(\w+\)$/),
    });
    world.mail.setFaults({});
    world.clock.nowMs += 24 * HOUR_MS;
    expect(await world.run(relay)).toBe(0);
    expect(mails()).toHaveLength(1);
    expect((await world.store.listNotices({ status: 'in_doubt', limit: 10 })).map((one) => one.noticeKey)).toEqual([
      notice.noticeKey,
    ]);
  });

  it('of a webhook is sent again under the same id', async () => {
    const notice = await queueOne();
    const relay = world.relay(world.both);
    world.receiver.answer('lost');
    await world.run(relay);
    world.receiver.answer(204);
    world.clock.nowMs += 2_000;
    await world.run(relay);
    expect(world.receiver.received.map(({ id }) => id)).toEqual([notice.noticeKey, notice.noticeKey]);
    expect(mails()).toHaveLength(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['smtp', 'webhook'] });
  });

  /** The process ends: nothing that it would have written down is. */
  const diesBefore = (channelDone: string) => {
    const dying = { ...world.store };
    dying.record = (notice, outcome) => {
      if (outcome.done.includes(channelDone)) return new Promise<boolean>(() => undefined);
      return world.store.record(notice, outcome);
    };
    return dying;
  };

  it('when the relay dies between the mail and the record: the mail is not sent again, the other channel still gets the notice', async () => {
    const notice = await queueOne();
    const dead = until(() => mails().length === 1);
    void world.run(world.relay(world.both, { store: diesBefore('smtp') }));
    await dead;
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sending', channels: [] });
    // Nobody touches it while its relay may still live.
    expect(await world.run(world.relay(world.both))).toBe(0);
    world.clock.nowMs += LEASE_OVER_MS;
    await world.run(world.relay(world.both));
    expect(mails()).toHaveLength(1);
    expect(world.receiver.received).toHaveLength(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'in_doubt',
      channels: ['webhook'],
      lastError: 'smtp: the process that handed it over ended before it knew the answer',
    });
  });

  it('when the relay dies between the webhook and the record: the webhook is sent again under the same id, the mail is not', async () => {
    const notice = await queueOne();
    const dead = until(() => world.receiver.received.length === 1);
    void world.run(world.relay(world.both, { store: diesBefore('webhook') }));
    await dead;
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sending', channels: ['smtp'] });
    world.clock.nowMs += LEASE_OVER_MS;
    await world.run(world.relay(world.both));
    expect(world.receiver.received.map(({ id }) => id)).toEqual([notice.noticeKey, notice.noticeKey]);
    expect(mails()).toHaveLength(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['smtp', 'webhook'] });
  });

  it('of a relay that was only slow: it neither sends again nor overwrites what was recorded meanwhile', async () => {
    const notice = await queueOne();
    let others: Promise<unknown> | undefined;
    world.mail.setFaults({
      beforeAnswer: async () => {
        world.mail.setFaults({});
        world.clock.nowMs += LEASE_OVER_MS;
        others = world.run(world.relay());
        await others;
      },
    });
    await world.run(world.relay());
    expect(mails()).toHaveLength(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'in_doubt' });
  });
});
