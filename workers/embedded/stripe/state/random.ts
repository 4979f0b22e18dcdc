const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const STEP = 0x6d2b79f5;

/** A small seeded generator (mulberry32): the same seed always gives the same sequence. Not for secrets. */
export class SeededRandom {
  /** The position in the sequence; a generator that is set to it continues from there. */
  state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** The next number in [0, 1). */
  next(): number {
    this.state = (this.state + STEP) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Skips the next `draws` numbers. */
  skip(draws: number): void {
    this.state = (this.state + Math.imul(STEP, draws)) >>> 0;
  }

  /** A string of `length` characters of base 62. */
  token(length: number): string {
    let token = '';
    for (let index = 0; index < length; index += 1) token += BASE62[Math.floor(this.next() * BASE62.length)];
    return token;
  }

  /** A shuffled copy of `items` (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.next() * (index + 1));
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }
}
