import * as fc from 'fast-check';

/** A change is judged by what it changes, not by luck: CI repeats one seed, everybody else draws a new one for each run. */
const CI_SEED = 20_260_101;

/** Every random run says how to repeat it: the seed of this process, or the one given by HOLDFAST_SEED. */
export const seed = Number(
  process.env['HOLDFAST_SEED'] ?? (process.env['CI'] === 'true' ? CI_SEED : Date.now() % 2 ** 31),
);

/** `npm run test:matrix` plays the fault matrices and the long random stories whole; `npm test` plays a sample of them. */
export const isWhole = process.env['HOLDFAST_MATRIX'] === 'whole';

/** So many of these, at equal distances from a place that is up to the seed; all of them where the whole is played. */
export function sample<T>(what: string, all: readonly T[], count: number): readonly T[] {
  if (isWhole || count >= all.length) return all;
  announceSample(what);
  return Array.from({ length: count }, (_, index) => {
    const place = seed + Math.floor((index * all.length) / count);
    return all[place % all.length] as T;
  });
}

/** A test that plays a sample prints how to play the same one again. */
export function announceSample(what: string): void {
  process.stdout.write(`a sample of the ${what}: seed ${seed} (repeat with HOLDFAST_SEED=${seed})\n`);
}

/** Runs a property with the run's seed, which it prints; a failure prints the smallest example beside it. */
export async function check<T>(
  name: string,
  property: fc.IProperty<T> | fc.IAsyncProperty<T>,
  parameters: fc.Parameters<T> = {},
): Promise<void> {
  process.stdout.write(`property "${name}": seed ${seed} (repeat with HOLDFAST_SEED=${seed})\n`);
  await fc.assert(property as fc.IAsyncProperty<T>, { seed, ...parameters });
}

export { fc };
