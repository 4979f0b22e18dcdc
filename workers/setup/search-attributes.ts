import { SearchAttributeType } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { searchAttributes } from '../../workflows/kit/search-attributes';

/** A custom search attribute, with the names of its type in Temporal's command line and API. */
export interface WantedAttribute {
  readonly name: string;
  readonly cliType: string;
  readonly type: temporal.api.enums.v1.IndexedValueType;
  /** A visibility query that works only where the attribute exists. */
  readonly probe: string;
}

const { INDEXED_VALUE_TYPE_KEYWORD, INDEXED_VALUE_TYPE_DATETIME } = temporal.api.enums.v1.IndexedValueType;

/** The custom search attributes that the workflows write. */
export const SEARCH_ATTRIBUTES: readonly WantedAttribute[] = Object.values(searchAttributes).map(({ name, type }) =>
  type === SearchAttributeType.DATETIME
    ? { name, cliType: 'Datetime', type: INDEXED_VALUE_TYPE_DATETIME, probe: `${name} > "2020-01-01T00:00:00Z"` }
    : { name, cliType: 'Keyword', type: INDEXED_VALUE_TYPE_KEYWORD, probe: `${name} = "none"` },
);
