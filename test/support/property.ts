import * as fc from 'fast-check';

/** Every random run says how to repeat it: the seed of this process, or the one given by HOLDFAST_SEED. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 2 ** 31);

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
