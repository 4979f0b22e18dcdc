-- The order that a payment belongs to, and the attempt on which its money is booked. $1 PaymentIntent id
SELECT a.order_id AS "orderId", a.attempt
FROM payment_attempts a JOIN orders o USING (order_id)
WHERE a.payment_intent_id = $1
ORDER BY a.attempt DESC LIMIT 1
