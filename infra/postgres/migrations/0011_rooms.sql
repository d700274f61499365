-- Rooms choose their collections and have names; gaps are tried again when documents changed; a work that waits for a
-- service is told from one that kills its processes; a verdict has a reason.

alter table vocero.room add column label text not null default '';  -- what people call it: shown on the console
alter table vocero.feedback add column why text not null default '';

-- Collections. A room's wish is one more condition beside the scopes, never instead of them.
create function vocero.wanted(collection text) returns boolean
language sql stable parallel safe
return coalesce(collection = any (nullif(current_setting('vocero.collections', true), '')::text[]), true);
grant execute on function vocero.wanted(text) to vocero_keeper;

create function vocero.find(
    workspace text, scopes text[], collections text[], question_vector public.halfvec, question_model text,
    question text, wanted int
) returns table (
    chunk text, document text, title text, url text, anchor text, body text, path text[], revision int,
    score float8, cosine float8
)
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform set_config('vocero.workspace', workspace, true), set_config('vocero.scopes', scopes::text, true),
        set_config('vocero.collections', case when collections <> '{}' then collections::text else '' end, true);
    return query select * from vocero.search(question_vector, question_model, question, wanted);
end $$;

create function vocero.shelf(workspace text, scopes text[], collections text[])
returns table (name text, edition bigint, chunks int)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform set_config('vocero.collections', case when collections <> '{}' then collections::text else '' end, true);
    return query select s.name, s.edition, s.chunks from vocero.shelf(workspace, scopes) s where vocero.wanted(s.name);
end $$;

-- Gaps. `looked` is the sum of the workspace's editions when the gap was last tried.
alter table vocero.gap add column looked bigint not null default 0;
create index on vocero.gap (workspace, looked) where filled_by is null;
create policy keeper on vocero.gap to vocero_keeper using (true);
grant select on vocero.gap to vocero_keeper;

-- Open gaps of workspaces whose name begins so (a platform's: `slack/`) that documents changed for since.
create function vocero.ripe_gaps(p_platform text, p_most int)
returns table (workspace text, id bigint, scopes text[], person text, conversation text, question text,
    created timestamptz, looked bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select w.name, g.id, g.scopes, g.person, g.conversation, g.question, g.created, e.editions
    from (select c.workspace, sum(c.edition)::bigint as editions from vocero.collection c group by c.workspace) e
    join vocero.workspace w on w.id = e.workspace and starts_with(w.name, p_platform)
    cross join lateral (
        select * from vocero.gap o
        where o.workspace = e.workspace and o.filled_by is null and o.looked < e.editions
            and o.created > now() - interval '90 days' and starts_with(o.conversation, w.name || '/')
        order by o.looked, o.id limit p_most
    ) g limit p_most;
$$;
alter function vocero.ripe_gaps owner to vocero_keeper;

-- A work that waits for a service says so: its attempts are then no sign that it kills the processes.
alter table vocero.inbox add column deferred int not null default 0;

-- Put a work off: how many seconds ago it was accepted, null when the lease was lost.
create function vocero.defer(p_workspace text, p_id bigint, p_attempt int, p_seconds float8)
returns float8 language plpgsql set search_path = pg_catalog
as $$
declare
    age float8;
begin
    perform set_config('vocero.workspace', p_workspace, true);
    update vocero.inbox set lease = now() + make_interval(secs => p_seconds), deferred = deferred + 1
    where workspace = vocero.current_workspace() and id = p_id and attempt = p_attempt and state = 'doing'
    returning extract(epoch from now() - created) into age;
    return age;
end $$;

-- How often a work was put off, and how many seconds ago it was accepted.
create function vocero.waited(p_workspace text, p_id bigint, out times int, out age float8)
language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    select deferred, extract(epoch from now() - created) into times, age
    from vocero.inbox where workspace = vocero.current_workspace() and id = p_id;
end $$;

-- Org-wide installs: one token for the workspaces of an organisation, each a tenant of its own that names it.
alter table vocero.installation add column org text not null default '';
create policy keeper on vocero.installation for select to vocero_keeper using (org <> '');
grant select (workspace, org) on vocero.installation to vocero_keeper;

-- The workspaces that were let in by an organisation's install, by name.
create function vocero.org_workspaces(p_platform text, p_org text) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select w.name from vocero.installation i join vocero.workspace w on w.id = i.workspace
    where i.org = p_org and starts_with(w.name, p_platform) order by w.name
$$;
alter function vocero.org_workspaces owner to vocero_keeper;
