import type { Gateway } from '../../../clients/gateway';
import { createFakes, request, startGateway } from '../support/gateway-fakes';

let gateway: Gateway;
let url: string;

beforeAll(async () => void ({ gateway, url } = await startGateway(createFakes())));
afterAll(() => gateway.close());

describe('documentation', () => {
  interface Document {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, { responses: object; requestBody?: unknown }>>>>;
  }

  test('an OpenAPI 3.1 document describes every route, made from the schemas', async () => {
    const document = (await request(`${url}/openapi.json`)).body as unknown as Document;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/healthz',
      '/readyz',
      '/v1/checkouts',
      '/v1/disputes',
      '/v1/disputes/{disputeId}',
      '/v1/disputes/{disputeId}/decision',
      '/v1/exceptions',
      '/v1/exceptions/{exceptionId}',
      '/v1/exceptions/{exceptionId}/resolution',
      '/v1/fraud-warnings',
      '/v1/fraud-warnings/{warningId}',
      '/v1/fraud-warnings/{warningId}/decision',
      '/v1/notices',
      '/v1/notices/{noticeKey}/resend',
      '/v1/orders',
      '/v1/orders/{orderId}',
      '/v1/orders/{orderId}/cancel',
      '/v1/orders/{orderId}/deliveries',
      '/v1/orders/{orderId}/hold-decision',
      '/v1/orders/{orderId}/payment-method',
      '/v1/orders/{orderId}/refunds',
      '/v1/orders/{orderId}/shipments',
      '/v1/payments/rates',
      '/v1/payments/reconciliations',
      '/v1/payments/reconciliations/{date}',
      '/v1/refunds/{refundId}',
      '/v1/refunds/{refundId}/cancel',
      '/v1/refunds/{refundId}/resolution',
      '/v1/subscriptions',
      '/v1/subscriptions/{subscriptionId}',
      '/v1/subscriptions/{subscriptionId}/payment-method',
      '/webhooks/stripe',
    ]);
    const checkout = document.paths['/v1/checkouts']?.['post'];
    expect(Object.keys(checkout?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '202', '400', '401', '402', '409', '413', '415', '422', '503']),
    );
    expect(JSON.stringify(checkout?.requestBody)).toContain(
      '"required":["cartId","currency","customer","lines","paymentMethod"]',
    );
  });

  test('/docs shows it to people', async () => {
    expect((await request(`${url}/docs/json`)).body).toMatchObject({ openapi: '3.1.0' });
    const page = await request(`${url}/docs/`);
    expect(page.status).toBe(200);
    expect(page.body['text']).toContain('swagger');
  });
});
