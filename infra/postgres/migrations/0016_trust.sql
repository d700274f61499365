-- Limits counted for all processes together, and what one process learned of people and channels told to the others.

-- How far ahead of its pace someone is. Unlogged: after a crash everyone may ask again, which is no loss.
create unlogged table vocero.pace (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,  -- a digest: who asks how often does not stand here
    until timestamptz not null,  -- when all that was asked is paid off; a row before now() says nothing and is dropped
    primary key (workspace, name)
);
create index on vocero.pace (workspace, until);

-- What became stale: a person, a channel. Read by every process before it decides who sees an answer.
create table vocero.bulletin (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,
    changed timestamptz not null,
    primary key (workspace, name)
);
create index on vocero.bulletin (workspace, changed);

do $$
declare
    name text;
begin
    foreach name in array array['pace', 'bulletin'] loop
        execute format('alter table vocero.%I enable row level security', name);
        execute format('alter table vocero.%I force row level security', name);
        execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', name);
    end loop;
end $$;

-- Count one question for every name, or for none: then which is used up longest (from 1) and for how many seconds. The
-- generic cell rate: `most` at once, afterwards one every seconds/most. Names are locked in their order: no deadlock.
create function vocero.take(p_workspace text, p_names text[], p_most int[], p_seconds float8[])
returns table (nth int, wait float8) language plpgsql set search_path = pg_catalog
as $$
declare
    space int;
    moment timestamptz;
begin
    perform set_config('vocero.workspace', p_workspace, true);
    space := vocero.current_workspace();
    if space is null then
        return;
    end if;
    insert into vocero.pace as p (workspace, name, until)
    select space, w.name, now() from unnest(p_names) as w (name) order by w.name
    on conflict (workspace, name) do update set until = p.until;  -- which waits for whoever counts at this moment
    moment := clock_timestamp();
    return query
    select w.nth::int, extract(epoch from greatest(p.until, moment) - moment)::float8 + w.seconds / w.most - w.seconds
    from unnest(p_names, p_most, p_seconds) with ordinality as w (name, most, seconds, nth)
    join vocero.pace p on p.workspace = space and p.name = w.name
    where extract(epoch from greatest(p.until, moment) - moment)::float8 + w.seconds / w.most - w.seconds > 0.000001
    order by 2 desc limit 1;
    if not found then
        update vocero.pace p set until = greatest(p.until, moment) + make_interval(secs => w.seconds / w.most)
        from unnest(p_names, p_most, p_seconds) as w (name, most, seconds)
        where p.workspace = space and p.name = w.name;
    end if;
    delete from vocero.pace p where p.workspace = space and p.name in (
        select o.name from vocero.pace o where o.workspace = space and o.until < moment - interval '1 minute'
        and o.name <> all (p_names) limit 50 for update skip locked);
end $$;

-- Say that these are stale; what is older than any process keeps such facts is dropped.
create function vocero.post(p_workspace text, p_names text[])
returns boolean language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    insert into vocero.bulletin (workspace, name, changed)
    select vocero.current_workspace(), n, clock_timestamp() from unnest(p_names) n order by n
    on conflict (workspace, name) do update set changed = excluded.changed;
    delete from vocero.bulletin b where b.workspace = vocero.current_workspace() and b.name in (
        select o.name from vocero.bulletin o where o.workspace = vocero.current_workspace()
        and o.changed < now() - interval '1 hour' limit 50 for update skip locked);
    return true;
end $$;

-- What was said since, with a row of no name that tells the moment for the next time. Ten seconds overlap: what was
-- being written at that moment is not missed.
create function vocero.posted(p_workspace text, p_since timestamptz)
returns table (name text, changed timestamptz) language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    return query
    select ''::text, clock_timestamp()
    union all
    select b.name, b.changed from vocero.bulletin b
    where b.workspace = vocero.current_workspace() and b.changed > p_since - interval '10 seconds';
end $$;

-- The workspaces that hold sealed secrets, by name, for the command that seals them anew. Across workspaces, hence the
-- keeper's; the secrets themselves stay behind their workspace's wall.
create policy sealed on vocero.installation for select to vocero_keeper using (true);
grant select (workspace) on vocero.installation to vocero_keeper;
create function vocero.workspaces_sealed() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct w.name from vocero.workspace w join vocero.installation i on i.workspace = w.id order by 1
$$;
alter function vocero.workspaces_sealed owner to vocero_keeper;
