-- One exception, open or resolved. $1 exception id
SELECT e.exception_id::text AS "exceptionId", e.order_id AS "orderId", e.subject_type AS "subjectType",
  e.subject_id AS "subjectId", e.workflow_id AS "workflowId", e.kind, e.message, e.owner,
  e.amount_at_risk AS "amountAtRisk", e.currency, e.raised_at AS "raisedAt", e.resolution, e.resolved_by AS "decidedBy", e.note,
  e.resolved_at AS "resolvedAt"
FROM exceptions e
WHERE e.exception_id = $1::bigint
