-- Row-level security, forced on every table: a session sees the workspace it named by SET LOCAL and nothing otherwise.
-- The keeper is a role without login that owns the few functions which must look across: its policies say `true`, and a
-- constant vanishes while planning, so that full text keeps its GIN index (under the plain policy `@@`, which is not
-- leakproof, may not use one). It needs no BYPASSRLS and hence no superuser.

create function vocero.current_workspace() returns int
language sql stable parallel safe set search_path = pg_catalog
return (select id from vocero.workspace where name = current_setting('vocero.workspace', true));

alter table vocero.workspace enable row level security;
alter table vocero.workspace force row level security;
create policy named on vocero.workspace
    using (name = current_setting('vocero.workspace', true));

alter table vocero.embedding_model enable row level security;
alter table vocero.embedding_model force row level security;
create policy named on vocero.embedding_model for select
    using (current_setting('vocero.workspace', true) <> '');

do $$
declare
    name text;
begin
    foreach name in array array['collection', 'document', 'data_chunk', 'lexeme_count', 'embedding_cache', 'tombstone',
                                'answer_log', 'gap', 'audit'] loop
        execute format('alter table vocero.%I enable row level security', name);
        execute format('alter table vocero.%I force row level security', name);
        execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', name);
    end loop;
    foreach name in array array['workspace', 'collection', 'document', 'data_chunk', 'lexeme_count', 'embedding_model'] loop
        execute format('create policy keeper on vocero.%I to vocero_keeper using (true)', name);
        execute format('grant select on vocero.%I to vocero_keeper', name);
    end loop;
end $$;

grant update (state, reason, stage, deadline, changed) on vocero.document to vocero_keeper;
grant insert on vocero.embedding_model to vocero_keeper;
grant references on vocero.data_chunk to vocero_keeper;
