import { OWN_ID, OWN_ID_MESSAGE } from '../../schemas/own-id';
import { ValidationError } from '../errors';

/** An id as a part of a path. Refuses ids such as `..`, which would lead to another route. @throws {ValidationError} */
export function segment(field: string, id: string): string {
  if (OWN_ID.test(id) && !/^\.+$/.test(id)) return encodeURIComponent(id);
  throw new ValidationError([{ field, message: OWN_ID_MESSAGE }]);
}
