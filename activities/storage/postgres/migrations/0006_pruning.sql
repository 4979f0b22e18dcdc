-- What only costs disk is deleted by age (../prune.ts): the oldest are found without reading the rest.

CREATE INDEX inbox_finished ON inbox (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX outbox_published ON outbox (published_at, position) WHERE published_at IS NOT NULL;
