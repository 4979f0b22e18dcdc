-- Every open exception, including those of checkouts that never became an order and those that belong to no order.
-- $1 limit, $2 order id or null
SELECT e.exception_id::text AS "exceptionId", e.order_id AS "orderId", e.subject_type AS "subjectType",
  e.subject_id AS "subjectId", e.workflow_id AS "workflowId", e.kind, e.message, e.owner,
  e.amount_at_risk AS "amountAtRisk", e.currency, e.raised_at AS "raisedAt", e.resolution, e.resolved_by AS "decidedBy", e.note,
  e.resolved_at AS "resolvedAt"
FROM exceptions e
WHERE e.resolved_at IS NULL AND ($2::text IS NULL OR e.order_id = $2)
ORDER BY e.raised_at, e.exception_id
LIMIT $1
