-- The parts of an order's evidence that its document does not contain. Notices that only went to a log or to the shop's webhook are
-- left out: they are no messages to the customer. $1 order id
SELECT o.personal_data AS "personalData",
  (SELECT jsonb_object_agg(i.sku, i.name) FROM order_lines l JOIN catalogue_items i USING (sku) WHERE l.order_id = $1) AS names,
  (SELECT jsonb_agg(jsonb_build_object('kind', n.kind, 'sentAt', n.sent_at) ORDER BY n.sent_at)
    FROM notices n
    WHERE n.order_id = $1 AND 'smtp' = ANY (n.channels_done) AND n.sent_at IS NOT NULL
      AND n.recipient ->> 'to' = 'order_customer') AS notices
FROM orders o WHERE o.order_id = $1
