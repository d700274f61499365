-- Changing the embedding model: a second table is filled while the first one answers, then the workspace changes over.
-- The table before stays readable, so that a process that still embeds questions with the old model goes on finding.

alter table vocero.workspace add column former int references vocero.embedding_model;

-- The workspaces that another model embedded, by name, for the command that embeds them anew.
create function vocero.workspaces_without(p_model int) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select name from vocero.workspace where model is not null and model <> p_model order by name $$;
alter function vocero.workspaces_without owner to vocero_keeper;
