import type { Pool } from 'pg';
import { run } from '../postgres/database';
import { statement } from '../postgres/statements';

const sql = { sample: statement('sample-catalogue') };

/** SKUs of the sample catalogue. */
export const sampleSkus = {
  mug: 'MUG-BLUE',
  teapot: 'TEAPOT-1L',
  tea: 'TEA-DARJEELING',
  kettle: 'KETTLE-STEEL',
  tray: 'TRAY-OAK',
  giftCard: 'CARD-GREETING',
  /** Only one piece exists, for races between carts. */
  lastOne: 'LAST-ONE',
  /** Sold in US dollars. */
  dollarMug: 'MUG-USD',
} as const;

export const sampleWarehouses = { berlin: 'berlin', leipzig: 'leipzig' } as const;

/** More than any demo or benchmark needs. */
const AMPLE = 1_000_000;

/** The items of the sample shop; amounts in minor units. */
export const sampleItems = [
  item(sampleSkus.mug, 'Blue mug', 'eur', 1_290, AMPLE, AMPLE),
  item(sampleSkus.teapot, 'Teapot, one litre', 'eur', 3_900, AMPLE, AMPLE),
  item(sampleSkus.tea, 'Darjeeling, 250 g', 'eur', 1_450, AMPLE, 0),
  item(sampleSkus.kettle, 'Steel kettle', 'eur', 6_990, 0, AMPLE),
  item(sampleSkus.tray, 'Oak tray', 'eur', 4_500, AMPLE, AMPLE),
  item(sampleSkus.giftCard, 'Greeting card', 'eur', 350, AMPLE, AMPLE),
  item(sampleSkus.lastOne, 'The last one', 'eur', 9_900, 1, 0),
  item(sampleSkus.dollarMug, 'Mug, sold in dollars', 'usd', 1_490, AMPLE, AMPLE),
] as const;

/** Writes the sample shop; existing items keep their data and stock. */
export async function createSampleCatalogue(pool: Pool): Promise<void> {
  const warehouses = [
    { warehouseId: sampleWarehouses.berlin, name: 'Berlin' },
    { warehouseId: sampleWarehouses.leipzig, name: 'Leipzig' },
  ];
  // The foreign keys are checked at the end of the statement, so one statement can write all of it.
  await run(pool, sql.sample, [JSON.stringify(sampleItems), JSON.stringify(warehouses)]);
}

function item(sku: string, name: string, currency: string, unitAmount: number, berlin: number, leipzig: number) {
  const stock = [
    { warehouseId: sampleWarehouses.berlin, onHand: berlin },
    { warehouseId: sampleWarehouses.leipzig, onHand: leipzig },
  ];
  return { sku, name, currency, unitAmount, stock };
}
