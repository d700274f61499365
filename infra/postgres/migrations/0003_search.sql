-- Who asks. `find` and `shelf` tell who is asking and ask, in one round trip; `search` (0018) takes workspace and scopes
-- from the settings only. SQLSTATEs of ours: VO001 unknown workspace, VO002 no workspace or scopes named, VO003 the
-- documents were embedded by another model, VO004 the model's vectors changed their length.

-- Who may be read: the collections of the named workspace whose scope every reader holds.
create function vocero.scopes() returns text[]
language plpgsql stable parallel safe set search_path = pg_catalog
as $$
declare
    named text := current_setting('vocero.scopes', true);
begin
    if coalesce(current_setting('vocero.workspace', true), '') = '' or coalesce(named, '') in ('', '{}') then
        raise exception 'no workspace or no scopes named' using errcode = 'VO002';
    end if;
    return named::text[];
end $$;

create function vocero.find(
    workspace text, scopes text[], question_vector public.halfvec, question_model text, question text, wanted int
) returns table (
    chunk text, document text, title text, url text, anchor text, body text, path text[], revision int,
    score float8, cosine float8
)
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform set_config('vocero.workspace', workspace, true), set_config('vocero.scopes', scopes::text, true);
    return query select * from vocero.search(question_vector, question_model, question, wanted);
end $$;

create function vocero.shelf(workspace text, scopes text[]) returns table (name text, edition bigint, chunks int)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform set_config('vocero.workspace', workspace, true), set_config('vocero.scopes', scopes::text, true);
    if vocero.current_workspace() is null then
        raise exception 'no workspace %', workspace using errcode = 'VO001';
    end if;
    return query select c.name, c.edition, c.chunks from vocero.collection c
        where c.workspace = vocero.current_workspace() and c.scope = any (vocero.scopes()) order by c.name;
end $$;

-- Nothing runs for ever: what is past its deadline has failed. Across workspaces, hence the keeper's.
create function vocero.sweep() returns int
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with late as (
        update vocero.document set state = 'failed', stage = '', deadline = null, changed = now(),
            reason = 'It took too long or was interrupted: add it again.'
        where state in ('queued', 'running') and deadline < now() returning 1
    ) select count(*)::int from late;
$$;

alter function vocero.sweep owner to vocero_keeper;
