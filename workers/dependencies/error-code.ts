/**
 * The `code` of an error of Node, Postgres or gRPC. Not `instanceof Error`: under jest, Node's own errors come from
 * another realm and are instances of another class.
 */
export function errorCode(error: unknown): string | number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined;
}
