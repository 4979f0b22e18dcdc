-- Every open exception, those of checkouts that never became an order and of what belongs to no order included. $1 limit
SELECT e.order_id AS "orderId", e.subject_type AS "subjectType", e.subject_id AS "subjectId",
  e.workflow_id AS "workflowId", e.kind, e.message, e.owner, e.amount_at_risk AS "amountAtRisk", e.currency, e.raised_at AS "raisedAt"
FROM exceptions e WHERE e.resolved_at IS NULL
ORDER BY e.raised_at, e.exception_id
LIMIT $1
