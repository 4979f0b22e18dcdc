import type { Collection } from '../state/collection';
import { noSuch } from './errors';

/** The parameters that every list shares. */
export interface PagingParams {
  limit?: number;
  starting_after?: string;
  ending_before?: string;
  created?: number | { gt?: number; gte?: number; lt?: number; lte?: number };
}

/** Stripe's page size where none is asked for. */
const DEFAULT_PAGE_SIZE = 10;

/** Answers one page of a collection in Stripe's list envelope. */
export function listPage<T extends { readonly id: string }>(
  collection: Collection<T>,
  params: PagingParams,
  list: {
    url: string;
    created: (value: T) => number;
    render: (value: T) => object;
    where?: (value: T) => boolean;
    index?: string;
    indexValue?: string | undefined;
  },
): object {
  const page = collection.page({
    limit: params.limit ?? DEFAULT_PAGE_SIZE,
    startingAfter: params.starting_after,
    endingBefore: params.ending_before,
    index: list.index,
    indexValue: list.indexValue,
    where: (value) => isWithin(params.created, list.created(value)) && (list.where?.(value) ?? true),
  });
  if (page === undefined) {
    const param = params.starting_after === undefined ? 'ending_before' : 'starting_after';
    throw noSuch('object', params.starting_after ?? params.ending_before ?? '', param, 400);
  }
  return { object: 'list', data: page.data.map(list.render), has_more: page.hasMore, url: list.url };
}

function isWithin(range: PagingParams['created'], created: number): boolean {
  if (range === undefined) return true;
  if (typeof range === 'number') return created === range;
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
  return created > gt && created >= gte && created < lt && created <= lte;
}
