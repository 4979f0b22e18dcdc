import type { Account } from '../state/account';
import { invalidParameter, noSuch, refused } from '../http/errors';
import { mergeMetadata } from '../state/metadata';
import { listPage } from '../http/lists';
import type { RequestCause } from '../state/model';
import { route } from '../http/request';
import { store } from '../http/resource';
import type { Parsed } from '../http/schema';
import { expand } from '../state/shapes';
import { emitChange } from './subscriptions/changes';
import type { Price, Product, Recurring } from './model';
import { prices, products } from './resources';
import { priceCreate, priceList, priceUpdate, productCreate, productList, productUpdate } from './shapes';

/** A recurring price: the only kind that a subscription accepts. */
export type RecurringPrice = Price & { recurring: Recurring };

export const productRoutes = [
  route('POST', '/v1/products', productCreate, ({ account, params, cause }) => createProduct(account, params, cause)),
  route('GET', '/v1/products/:id', expand, ({ account, ids: [id = ''] }) => findProduct(account, id, 'id', 404)),
  route('POST', '/v1/products/:id', productUpdate, ({ account, ids: [id = ''], params, cause }) => {
    const product = findProduct(account, id, 'id', 404);
    const { expand: _expand, metadata, default_price: defaultPrice, ...fields } = params;
    if (defaultPrice !== undefined) findPrice(account, defaultPrice, 'default_price', 400);
    emitChange(account, 'product.updated', product, cause, () => {
      Object.assign(product, fields, { updated: account.clock.nowSeconds() });
      product.default_price = defaultPrice ?? product.default_price;
      product.metadata = mergeMetadata(product.metadata, metadata);
    });
    return product;
  }),
  route('GET', '/v1/products', productList, ({ account, params }) =>
    listPage(account.of(products), params, {
      url: '/v1/products',
      created: ({ created }) => created,
      where: (product) =>
        (params.active === undefined || product.active === params.active) &&
        (params.ids === undefined || params.ids.includes(product.id)) &&
        (params.shippable === undefined || product.shippable === params.shippable) &&
        (params.url === undefined || product.url === params.url),
      render: (product) => product,
    }),
  ),
];

export const priceRoutes = [
  route('POST', '/v1/prices', priceCreate, ({ account, params, cause }) => {
    if ((params.product === undefined) === (params.product_data === undefined)) {
      const message = 'You must specify either `product` or `product_data` when creating a price.';
      throw invalidParameter(message, 'product', params.product === undefined ? 'parameter_missing' : undefined);
    }
    const product =
      params.product === undefined
        ? createProduct(account, params.product_data ?? { name: '' }, cause)
        : findProduct(account, params.product, 'product', 400);
    claimLookupKey(account, params.lookup_key, params.transfer_lookup_key);
    const price = store(account, prices, newPrice(account, product, params));
    account.log.emit('price.created', price, cause);
    return price;
  }),
  route('GET', '/v1/prices/:id', expand, ({ account, ids: [id = ''] }) => findPrice(account, id, 'id', 404)),
  route('POST', '/v1/prices/:id', priceUpdate, ({ account, ids: [id = ''], params, cause }) => {
    const price = findPrice(account, id, 'id', 404);
    const { expand: _expand, metadata, transfer_lookup_key: transfer, ...fields } = params;
    if (fields.lookup_key !== price.lookup_key) claimLookupKey(account, fields.lookup_key, transfer);
    emitChange(account, 'price.updated', price, cause, () => {
      Object.assign(price, fields);
      price.metadata = mergeMetadata(price.metadata, metadata);
    });
    return price;
  }),
  route('GET', '/v1/prices', priceList, ({ account, params }) =>
    listPage(account.of(prices), params, {
      url: '/v1/prices',
      created: ({ created }) => created,
      where: (price) => isListed(price, params),
      render: (price) => price,
    }),
  ),
];

/** The price, or Stripe's error: 404 where its id is in the path, 400 where it is in a parameter. */
function findPrice(account: Account, id: string, param: string, status: 400 | 404): Price {
  const price = account.of(prices).get(id);
  if (price === undefined) throw noSuch('price', id, param, status);
  return price;
}

/** The price for a subscription's item: it must be recurring and active. */
export function sellablePrice(account: Account, id: string, param: string): RecurringPrice {
  const price = findPrice(account, id, param, 400);
  if (price.recurring === null) {
    const message = `The price specified is set to \`type=one_time\` but this field only accepts prices with \`type=recurring\`.`;
    throw invalidParameter(message, param);
  }
  if (!price.active) {
    throw invalidParameter('The price specified is inactive. This field only accepts active prices.', param);
  }
  return price as RecurringPrice;
}

/** The name of the product on invoices. */
export function productName(account: Account, id: string): string {
  return account.of(products).get(id)?.name ?? id;
}

function findProduct(account: Account, id: string, param: string, status: 400 | 404): Product {
  const product = account.of(products).get(id);
  if (product === undefined) throw noSuch('product', id, param, status);
  return product;
}

function createProduct(account: Account, params: Parsed<typeof productCreate>, cause: RequestCause): Product {
  const { id = account.newId('prod', 14) } = params;
  if (account.of(products).get(id) !== undefined)
    throw refused('Product already exists.', { code: 'resource_already_exists', param: 'id' });
  const now = account.clock.nowSeconds();
  const product: Product = {
    id,
    object: 'product',
    active: params.active ?? true,
    created: now,
    default_price: null,
    description: params.description ?? null,
    images: params.images ?? [],
    livemode: false,
    marketing_features: [],
    metadata: mergeMetadata({}, params.metadata),
    name: params.name,
    package_dimensions: null,
    shippable: params.shippable ?? null,
    statement_descriptor: params.statement_descriptor ?? null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: params.unit_label ?? null,
    updated: now,
    url: params.url ?? null,
  };
  store(account, products, product);
  account.log.emit('product.created', product, cause);
  return product;
}

function newPrice(account: Account, product: Product, params: Parsed<typeof priceCreate>): Price {
  const { recurring } = params;
  return {
    id: account.newId('price'),
    object: 'price',
    active: params.active ?? true,
    billing_scheme: 'per_unit',
    created: account.clock.nowSeconds(),
    currency: params.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: params.lookup_key ?? null,
    metadata: mergeMetadata({}, params.metadata),
    nickname: params.nickname ?? null,
    product: product.id,
    recurring:
      recurring === undefined
        ? null
        : {
            interval: recurring.interval,
            interval_count: recurring.interval_count ?? 1,
            meter: null,
            trial_period_days: recurring.trial_period_days ?? null,
            usage_type: 'licensed',
          },
    tax_behavior: params.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: recurring === undefined ? 'one_time' : 'recurring',
    unit_amount: params.unit_amount,
    unit_amount_decimal: String(params.unit_amount),
  };
}

/** A lookup key belongs to one price; it moves to another only on request. */
function claimLookupKey(account: Account, key: string | undefined, transfer: boolean | undefined): void {
  if (key === undefined) return;
  const holder = account
    .of(prices)
    .values()
    .find((price) => price.lookup_key === key);
  if (holder === undefined) return;
  if (transfer !== true) {
    const message = `A price (\`${holder.id}\`) already uses that lookup key. Pass \`transfer_lookup_key=true\` to transfer it.`;
    throw invalidParameter(message, 'lookup_key');
  }
  // Looked up by its id, so that the journal records the change.
  const touched = account.of(prices).get(holder.id);
  if (touched !== undefined) touched.lookup_key = null;
}

function isListed(price: Price, params: Parsed<typeof priceList>): boolean {
  const { active, currency, lookup_keys: keys, product, recurring, type } = params;
  return (
    (active === undefined || price.active === active) &&
    (currency === undefined || price.currency === currency) &&
    (keys === undefined || keys.includes(price.lookup_key ?? '')) &&
    (product === undefined || price.product === product) &&
    (recurring?.interval === undefined || price.recurring?.interval === recurring.interval) &&
    (recurring?.usage_type === undefined || price.recurring?.usage_type === recurring.usage_type) &&
    (type === undefined || price.type === type)
  );
}
