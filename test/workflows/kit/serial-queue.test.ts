import { Backoff, SerialQueue } from '../../../workflows/kit/waiting';

describe('commands of an order', () => {
  it('run one after another, in the order in which they came', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const step = (name: string) =>
      queue.run(async () => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([step('ship'), step('cancel')])).toEqual(['ship', 'cancel']);
    expect(log).toEqual(['ship begins', 'ship ends', 'cancel begins', 'cancel ends']);
  });

  it('continue after one that failed, and only its caller gets the error', async () => {
    const queue = new SerialQueue();
    const failed = queue.run(() => Promise.reject(new Error('refused')));
    const next = queue.run(() => Promise.resolve('shipped'));
    await expect(failed).rejects.toThrow('refused');
    expect(await next).toBe('shipped');
  });

  it('are idle only once none runs and none waits', async () => {
    const queue = new SerialQueue();
    expect(queue.idle).toBe(true);
    const [first, second] = [queue.run(() => Promise.resolve()), queue.run(() => Promise.reject(new Error('m')))];
    expect(queue.idle).toBe(false);
    await first;
    expect(queue.idle).toBe(false);
    await expect(second).rejects.toThrow();
    expect(queue.idle).toBe(true);
  });
});

describe('a pause between retries', () => {
  it('doubles each time, up to the longest, and begins anew after a success', () => {
    const pause = new Backoff(10, 35);
    const seen = [pause.ms];
    for (let tries = 0; tries < 3; tries += 1) {
      pause.lengthen();
      seen.push(pause.ms);
    }
    expect(seen).toEqual([10, 20, 35, 35]);
    pause.restart();
    expect(pause.ms).toBe(10);
  });
});
