-- $1 order id, $2 attempt, $3 PaymentIntent, $4 charge, $5 brand, $6 funding, $7 country, $8 network status, $9 outcome,
-- $10 decline code, $11 now
INSERT INTO authorization_results (order_id, attempt, payment_intent_id, charge_id, brand, funding, country,
  network_status, outcome, decline_code, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT ON CONSTRAINT authorization_results_once DO NOTHING
