import type { Pool } from 'pg';
import type { Keyring } from '../../crypto';
import { run } from '../postgres/database';
import type { PersonalData } from './place-order';
import { statement } from '../postgres/statements';

const sql = { contact: statement('order-contact') };

/** How to reach the customer of an order. Personal data: looked up when needed, stored nowhere else. */
export type OrderContact = Pick<PersonalData, 'email' | 'name'>;

/** Reads an order's contact; undefined if there is no such order. @throws Error if no key decrypts it */
export function createOrderContacts(
  pool: Pool,
  keyring: Keyring,
): (orderId: string) => Promise<OrderContact | undefined> {
  return async (orderId) => {
    const [row] = await run<{ personalData: Buffer }>(pool, sql.contact, [orderId]);
    if (row === undefined) return undefined;
    const { email, name } = JSON.parse(Buffer.from(keyring.decrypt(row.personalData)).toString()) as PersonalData;
    return { email, ...(name !== undefined && { name }) };
  };
}
