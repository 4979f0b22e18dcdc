-- $1 the provider's id of a refund
SELECT refund_id AS "refundId" FROM refund_parts WHERE provider_refund_id = $1
