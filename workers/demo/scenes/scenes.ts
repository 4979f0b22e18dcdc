import { checkoutScenes } from './checkout';
import { orderScenes } from './order';
import { afterSaleScenes } from './after-sale';
import type { PlayedCart, Scene, Stage } from '../stage';
import { subscriptionScenes } from './subscription';

/** The demo's scenes, in the order of its table. */
export const SCENES: readonly Scene[] = [
  checkoutScenes.happy,
  checkoutScenes.declinedThenPaid,
  checkoutScenes.insufficientFunds,
  checkoutScenes.secured,
  checkoutScenes.abandoned,
  checkoutScenes.sameCart,
  checkoutScenes.lastItem,
  orderScenes.reauthorized,
  orderScenes.notReauthorized,
  orderScenes.cancelRace,
  orderScenes.workerKilled,
  orderScenes.webhookStorm,
  afterSaleScenes.confirmed,
  afterSaleScenes.failedLater,
  afterSaleScenes.disputeWon,
  afterSaleScenes.disputeLost,
  subscriptionScenes.recovered,
  subscriptionScenes.ended,
];

export interface PlayedScene {
  readonly title: string;
  readonly succeeded: boolean;
  readonly carts: readonly PlayedCart[];
}

/** Is notified when scenes start and end. */
export interface Audience {
  begin(title: string): void;
  end(title: string, succeeded: boolean, story: string): void;
}

/** Plays the slow scenes in parallel with the others, which run one after another; returns them in their own order. */
export async function playScenes(
  stage: Stage,
  audience: Audience,
  scenes: readonly Scene[] = SCENES,
): Promise<PlayedScene[]> {
  const played = new Map<Scene, PlayedScene>();
  const playOne = async (scene: Scene): Promise<void> => {
    stage.signal.throwIfAborted();
    played.set(scene, await play(stage, audience, scene));
  };
  const slow = scenes.filter((scene) => scene.slow === true).map(playOne);
  const quick = async (): Promise<void> => {
    for (const scene of scenes.filter((one) => one.slow !== true)) await playOne(scene);
  };
  await Promise.all([...slow, quick()]);
  return scenes.flatMap((scene) => played.get(scene) ?? []);
}

async function play(stage: Stage, audience: Audience, scene: Scene): Promise<PlayedScene> {
  const { title } = scene;
  audience.begin(title);
  try {
    const { story, carts } = await scene.play(stage);
    audience.end(title, true, story);
    return { title, succeeded: true, carts };
  } catch (error) {
    // Ctrl-C ends the demo, so it is not a failure of the scene.
    stage.signal.throwIfAborted();
    audience.end(title, false, error instanceof Error ? error.message : String(error));
    return { title, succeeded: false, carts: [] };
  }
}
