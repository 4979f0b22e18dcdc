import { messageIdOf, type NoticeChannel } from '../../../activities/notifications';
import type { NoticeRelayDependencies } from '../../../workers/relays/notice-relay';
import type { Notice } from '../../../workflows/domain/notice/notices';
import { openNoticeWorld, recovered, START_MS, until, type NoticeWorld } from './notice-world';

const HOUR_MS = 3_600_000;

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

type Prepared = Awaited<ReturnType<NoticeChannel['prepare']>>;

/** A relay where something happens between the look-up of an address and the hand-over. */
function afterLookUp(relay: NoticeRelayDependencies, act: (prepared: Prepared) => Promise<Prepared>) {
  const around = (channel: NoticeChannel): NoticeChannel => ({
    ...channel,
    prepare: async (notice) => act(await channel.prepare(notice)),
  });
  const channels = {
    ...relay.channels,
    for: (notice: Pick<Notice, 'kind' | 'recipient'>) => relay.channels.for(notice).map(around),
  };
  return { ...relay, channels };
}

describe('the time at which a notice is sent', () => {
  const berlin = { timeZone: 'Europe/Berlin', from: '21:00', to: '08:00' };

  it('in quiet hours a notice waits until they end, on the clock of the process that queued it', async () => {
    // Queued on a clock that is weeks ahead of the relay's: 23:30 in Berlin.
    const notice = await queueOne({ dueAt: '2031-04-20T21:30:00.000Z', quietHours: berlin });
    const relay = world.relay();
    expect(await world.run(relay)).toBe(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'queued', attempts: 0 });
    world.clock.nowMs += 8.5 * HOUR_MS - 1;
    expect(await world.run(relay)).toBe(0);
    world.clock.nowMs += 1;
    expect(await world.run(relay)).toBe(1);
    expect(mails()).toHaveLength(1);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', attempts: 1 });
  });

  it('a retry that falls into quiet hours waits as well', async () => {
    // 20:59:59 in Berlin.
    const notice = await queueOne({ dueAt: '2031-04-20T18:59:59.000Z', quietHours: berlin });
    const relay = world.relay();
    world.mail.setFaults({ refuseRecipient: 450 });
    await world.run(relay);
    world.mail.setFaults({});
    world.clock.nowMs += 2_000;
    expect(await world.run(relay)).toBe(1);
    expect(mails()).toEqual([]);
    world.clock.nowMs = START_MS + 12 * HOUR_MS;
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent' });
  });

  it('outside of quiet hours a notice is sent at once, whatever the relay’s own clock shows', async () => {
    await queueOne({ dueAt: '2031-04-20T10:00:00.000Z', quietHours: berlin });
    await world.run(world.relay());
    expect(mails()).toHaveLength(1);
  });

  it('a notice that is no longer true is dropped', async () => {
    const notice = await queueOne({ dueAt: '2031-04-20T10:00:00.000Z', expiresAt: '2031-04-20T11:00:00.000Z' });
    const relay = world.relay();
    world.mail.setFaults({ refuseRecipient: 450 });
    await world.run(relay);
    world.clock.nowMs += HOUR_MS;
    world.mail.setFaults({});
    await world.run(relay);
    expect(mails()).toEqual([]);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'expired',
      lastError: expect.stringContaining('no longer true after 2031-04-20T11:00:00.000Z'),
    });
  });

  it('a notice that would no longer be true after the quiet hours is dropped', async () => {
    const changes = { dueAt: '2031-04-20T21:30:00.000Z', expiresAt: '2031-04-21T05:00:00.000Z', quietHours: berlin };
    const notice = await queueOne(changes);
    await world.run(world.relay());
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'expired' });
  });

  it('a notice that one channel has accepted counts as sent, even if the other never accepts it', async () => {
    const notice = await queueOne({ dueAt: '2031-04-20T10:00:00.000Z', expiresAt: '2031-04-20T11:00:00.000Z' });
    world.receiver.answer(503);
    await world.run(world.relay(world.both));
    world.clock.nowMs += HOUR_MS;
    await world.run(world.relay(world.both));
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['smtp'] });
  });

  it('invalid quiet hours keep a notice from being sent, and it ends as failed', async () => {
    const notice = await queueOne({ quietHours: { ...berlin, timeZone: 'Europe/Atlantis' } });
    const relay = world.relay();
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({
      status: 'queued',
      lastError: expect.stringContaining('RangeError'),
    });
    world.clock.nowMs += 73 * HOUR_MS;
    await world.run(relay);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'failed' });
    expect(mails()).toEqual([]);
  });
});

describe('several relays or changes at once', () => {
  it('relays send each notice once', async () => {
    const notices = Array.from({ length: 60 }, () => recovered());
    await world.queue(...notices);
    const counts = await Promise.all([1, 2, 3].map(() => world.run(world.relay(world.both))));
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(60);
    expect(new Set(mails().map(({ messageId }) => messageId)).size).toBe(60);
    expect([mails().length, world.receiver.received.length]).toEqual([60, 60]);
    expect(await world.store.listNotices({ status: 'sent', limit: 100 })).toHaveLength(60);
  });

  it('a notice that is withdrawn while it is being sent is either sent or withdrawn', async () => {
    const notices = Array.from({ length: 60 }, () => recovered());
    await world.queue(...notices);
    const cancels = notices.filter((_, index) => index % 2 === 0).map(({ subject }) => world.cancel(subject.id));
    await Promise.all([world.run(world.relay()), world.run(world.relay()), ...cancels]);
    const sent = await world.store.listNotices({ status: 'sent', limit: 100 });
    const canceled = await world.store.listNotices({ status: 'canceled', limit: 100 });
    expect(sent.length + canceled.length).toBe(60);
    expect(canceled.length).toBeGreaterThan(0);
    const told = new Set(mails().map(({ messageId }) => messageId));
    expect(told.size).toBe(mails().length);
    expect(told).toEqual(new Set(sent.map((one) => messageIdOf(one, 'shop@shop.example'))));
  });

  it('a notice that is withdrawn after its look-up and before its hand-over is not sent', async () => {
    const notice = await queueOne();
    const relay = world.relay();
    const canceling = afterLookUp(relay, async (prepared) => {
      await world.cancel(notice.subject.id);
      return prepared;
    });
    await world.run(canceling);
    expect(mails()).toEqual([]);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'canceled' });
  });

  it('a notice that is superseded while a mail server refuses it for now is not sent later', async () => {
    const notice = await queueOne();
    const relay = world.relay();
    const canceling = afterLookUp(relay, async (prepared) => {
      if ('outcome' in prepared) return prepared;
      return { deliver: () => world.cancel(notice.subject.id).then(() => prepared.deliver()) };
    });
    world.mail.setFaults({ refuseRecipient: 450 });
    await world.run(canceling);
    world.mail.setFaults({});
    world.clock.nowMs += HOUR_MS;
    await world.run(relay);
    expect(mails()).toEqual([]);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'canceled', attempts: 1 });
  });

  it.each(['smtp', 'webhook'])(
    'a notice that is superseded after its relay died over %s is not sent again',
    async (name) => {
      const notice = await queueOne();
      const [claimed] = await world.store.claimDue(1, 60_000);
      if (claimed === undefined) throw new Error('it was due');
      await world.store.begin(claimed, name, 1, 60_000);
      await world.cancel(notice.subject.id);
      world.clock.nowMs += 60_000;
      await world.run(world.relay(world.both));
      expect([mails().length, world.receiver.received.length]).toEqual([0, 0]);
      // It may have been told before.
      expect(await world.view(notice.noticeKey)).toMatchObject({
        status: 'in_doubt',
        lastError: expect.stringMatching(new RegExp(`${name}: .*ended.*; all: it was no longer true`)),
      });
    },
  );

  it('a notice that one channel has accepted stays sent when the rest is withdrawn', async () => {
    const notice = await queueOne();
    world.receiver.answer(503);
    await world.run(world.relay(world.both));
    await world.cancel(notice.subject.id);
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', channels: ['smtp'] });
  });
});

describe('a notice that a person sends again', () => {
  it('goes out once its address is corrected, and the webhook gets nothing twice', async () => {
    const notice = await queueOne();
    world.mail.setFaults({ refuseRecipient: 550 });
    await world.run(world.relay(world.both));
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'failed', channels: ['webhook'] });
    world.mail.setFaults({});
    expect(await world.store.sendAgain(notice.noticeKey, 'op-1')).toMatchObject({ accepted: true });
    await world.run(world.relay(world.both));
    expect([mails().length, world.receiver.received.length]).toEqual([1, 1]);
    const view = await world.view(notice.noticeKey);
    expect(view).toMatchObject({ status: 'sent', askedAgain: { by: 'op-1' } });
    expect(view.channels).toEqual(expect.arrayContaining(['smtp', 'webhook']));
    expect(view).not.toHaveProperty('lastError');
  });

  it('is retried for as long as a new notice, and keeps its quiet hours', async () => {
    const berlin = { timeZone: 'Europe/Berlin', from: '21:00', to: '08:00' };
    const notice = await queueOne({ dueAt: '2031-04-20T10:00:00.000Z', quietHours: berlin });
    world.mail.setFaults({ refuseRecipient: 550 });
    await world.run(world.relay());
    world.clock.nowMs += 4 * 24 * HOUR_MS + 12 * HOUR_MS;
    await world.store.sendAgain(notice.noticeKey, 'op-1');
    world.mail.setFaults({ refuseRecipient: 450 });
    await world.run(world.relay());
    // Midnight in Berlin.
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'queued', attempts: 1 });
    world.clock.nowMs += 10 * HOUR_MS;
    await world.run(world.relay());
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'queued', attempts: 2 });
    world.mail.setFaults({});
    world.clock.nowMs += HOUR_MS;
    await world.run(world.relay());
    expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'sent', attempts: 3 });
  });
});

it('a relay that is closed abandons a mail server that hangs, and nothing is lost', async () => {
  const notice = await queueOne();
  const relay = world.relay();
  let letGo = (): void => undefined;
  world.mail.setFaults({ beforeAnswer: () => new Promise((resolve) => void (letGo = resolve)) });
  const running = world.run(relay);
  await until(() => mails().length === 1);
  relay.channels.close();
  await running;
  letGo();
  expect(await world.view(notice.noticeKey)).toMatchObject({ status: 'in_doubt' });
  expect(mails()).toHaveLength(1);
});
