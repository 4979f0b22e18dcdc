import type { Pool } from 'pg';
import type { Keyring } from '../../crypto';
import { run } from '../postgres/database';
import type { PersonalData } from './place-order';
import { statement } from '../postgres/statements';

const sql = { contact: statement('order-contact') };

/** How to reach who ordered. Personal: looked up when it is needed, kept nowhere. */
export type OrderContact = Pick<PersonalData, 'email' | 'name'>;

/** Reads an order's contact; undefined where there is no such order. @throws Error where no key decrypts it */
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
