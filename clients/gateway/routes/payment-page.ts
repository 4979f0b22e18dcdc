import type { FastifyInstance } from 'fastify';

/** The page contains no script and loads nothing. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * `/payment/{orderId}`: the target of the link to renew a payment while the shop has no page of its own. Only the shop's page can
 * collect a payment method with the provider's form, so this page explains how. It reads no order.
 */
export function registerPaymentPage(app: FastifyInstance): void {
  app.get<{ Params: { orderId: string } }>('/payment/:orderId', { schema: { hide: true } }, (request, reply) => {
    return reply
      .headers({
        'content-security-policy': PAGE_POLICY,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      })
      .type('text/html; charset=utf-8')
      .send(page(escape(request.params.orderId)));
  });
}

function page(orderId: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Payment for order ${orderId}</title></head>
<body style="margin:2rem auto;max-width:48rem;padding:0 1rem;font:16px/1.5 system-ui,sans-serif">
<h1>Payment for order ${orderId}</h1>
<p>This order waits for another payment. In production this link leads to the page of the shop that <code>HOLDFAST_PAYMENT_LINK</code>
names. That page collects a payment method with the provider's form and sends it to the gateway:</p>
<pre>curl -X POST "$GATEWAY/v1/orders/${orderId}/payment-method" \\
  -H "Authorization: Bearer $API_KEY" -H "Idempotency-Key: renew-1" -H "Content-Type: application/json" \\
  -d '{"paymentMethod": "pm_card_visa"}'</pre>
</body>
</html>
`;
}

function escape(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
