import { stopAll } from './global-setup';

/** Ends what the global set-up started. */
export default async function globalTeardown(): Promise<void> {
  await stopAll(globalThis.holdfastTestStops ?? []);
}
