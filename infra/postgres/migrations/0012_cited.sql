-- Which passages an answer cited, so that its readers can be shown them later: ids only, [{"n", "document", "chunk"}].

alter table vocero.exchange add column cited jsonb not null default '[]';
