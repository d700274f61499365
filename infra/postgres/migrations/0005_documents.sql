-- Documents through a queue, with what a refresh, an undo and a change of the embedding model need.
-- The queue itself is procrastinate's, in the schema vocero_jobs. Its tables belong to no workspace, so no row-level
-- security can guard them: a job's arguments are ids, and whatever has words stands here.

alter table vocero.document
    add column etag text not null default '',  -- what the site said of the version that is live
    add column last_modified text not null default '',
    add column fetched timestamptz;

-- What was given to be learned and waits for a worker; gone with the end of the learning.
create table vocero.pending (
    workspace int not null,
    document bigint not null,
    attempt int not null,  -- the document's when this was given: a newer one replaces it
    url text not null default '',  -- to fetch, where there is no content
    content bytea,
    media_type text not null default '',
    title text not null default '',
    person text not null default '',
    force boolean not null default false,
    allow_secrets boolean not null default false,
    tries int not null default 0,  -- begun; a document that ends its worker each time is given up
    waits int not null default 0,  -- put off because something was away
    created timestamptz not null default now(),
    primary key (workspace, document),
    foreign key (workspace, document) references vocero.document on delete cascade
);

-- The version before the last change, once a document; its vectors lie in the embedding cache.
create table vocero.previous (
    workspace int not null,
    document bigint not null,
    change text not null,  -- what was done to it: learn, remove, share, undo
    collection int not null,
    title text not null,
    url text not null,
    media_type text not null,
    content_sha bytea,
    etag text not null,
    last_modified text not null,
    chunks int not null,
    changed timestamptz not null default clock_timestamp(),
    primary key (workspace, document),
    foreign key (workspace, document) references vocero.document on delete cascade,
    foreign key (workspace, collection) references vocero.collection on delete cascade
);
create table vocero.previous_chunk (
    workspace int not null,
    document bigint not null,
    place int not null,
    text text not null,
    path text[] not null,
    anchor text not null,
    primary key (workspace, document, place),
    foreign key (workspace, document) references vocero.previous on delete cascade
);

-- Where documents of a scope go when no collection is named.
create table vocero.default_collection (
    workspace int not null references vocero.workspace on delete cascade,
    scope text not null,
    collection text not null,
    changed_by text not null default '',
    changed timestamptz not null default now(),
    primary key (workspace, scope)
);

do $$
declare
    name text;
begin
    foreach name in array array['pending', 'previous', 'previous_chunk', 'default_collection'] loop
        execute format('alter table vocero.%I enable row level security', name);
        execute format('alter table vocero.%I force row level security', name);
        execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', name);
    end loop;
end $$;
create policy keeper on vocero.pending to vocero_keeper using (true);
grant select, delete on vocero.pending to vocero_keeper;
grant usage on schema vocero_jobs to vocero_keeper;
grant select, delete on vocero_jobs.procrastinate_jobs to vocero_keeper;
grant select on vocero_jobs.procrastinate_workers to vocero_keeper;
grant select, update on vocero_jobs.procrastinate_periodic_defers to vocero_keeper;  -- a trigger's, when a job goes

-- The one name of a document's job: there is at most one waiting.
create function vocero.job_of(p_workspace text, p_document text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog
return p_workspace || ' ' || p_document;

-- Queue the learning of a document, in the transaction that records it: false when one waits already, which will do.
create function vocero.enqueue(p_workspace text, p_document text, p_seconds float8) returns boolean
language plpgsql set search_path = vocero_jobs, pg_catalog, pg_temp
as $$
begin
    perform procrastinate_defer_jobs_v1(array[row('learn', 'learn', 0, null, vocero.job_of(p_workspace, p_document),
        jsonb_build_object('workspace', p_workspace, 'document', p_document),
        now() + make_interval(secs => p_seconds))]::procrastinate_job_to_defer_v1[]);
    return true;
exception when unique_violation then
    return false;
end $$;

-- Delete the jobs of a document; how many there were.
create function vocero.unqueue(p_workspace text, p_document text) returns int
language plpgsql set search_path = vocero_jobs, pg_catalog, pg_temp
as $$
declare
    gone int;
begin
    delete from procrastinate_jobs where queueing_lock = vocero.job_of(p_workspace, p_document);
    get diagnostics gone = row_count;
    return gone;
end $$;

-- Give back the jobs of workers that are gone or silent; one whose document has a newer job waiting goes.
create function vocero.rescue(p_seconds float8) returns int
language plpgsql set search_path = vocero_jobs, pg_catalog, pg_temp
as $$
declare
    stalled bigint;
    rescued int := 0;
begin
    for stalled in
        select j.id from procrastinate_jobs j left join procrastinate_workers w on w.id = j.worker_id
        where j.status = 'doing' and (w.id is null or w.last_heartbeat < now() - make_interval(secs => p_seconds))
        for update of j skip locked
    loop
        begin
            perform procrastinate_retry_job_v2(stalled, now(), null, null, null);
        exception when unique_violation then
            delete from procrastinate_jobs where id = stalled;
        end;
        rescued := rescued + 1;
    end loop;
    return rescued;
end $$;

-- Nothing waits or runs for ever: what is past its deadline has failed, but for what stands in the queue of a living
-- worker, which only has much to do. Across workspaces, hence the keeper's.
set local role vocero_keeper;  -- whose it is
create or replace function vocero.sweep() returns int
language plpgsql volatile security definer set search_path = pg_catalog, vocero_jobs, pg_temp
as $$
declare
    late int;
begin
    update vocero.document d set deadline = now() + interval '1 hour' from vocero.workspace w
    where w.id = d.workspace and d.state = 'queued' and d.deadline < now()
        and exists (select from vocero_jobs.procrastinate_workers x where x.last_heartbeat > now() - interval '1 minute')
        and exists (select from vocero_jobs.procrastinate_jobs j where j.status = 'todo'
            and j.queueing_lock = vocero.job_of(w.name, d.name));
    with failed as (
        update vocero.document set stage = '', deadline = null, changed = now(), state = 'failed',
            reason = case state when 'queued' then 'No worker took it: start `vocero run worker`, then add it again.'
                else 'It took too long or was interrupted: add it again.' end
        where state in ('queued', 'running') and deadline < now() returning workspace, id, name
    ), dropped as (
        delete from vocero.pending p using failed f where p.workspace = f.workspace and p.document = f.id
    ), unqueued as (
        delete from vocero_jobs.procrastinate_jobs j using failed f, vocero.workspace w
        where w.id = f.workspace and j.status = 'todo' and j.queueing_lock = vocero.job_of(w.name, f.name)
    ) select count(*)::int into late from failed;
    return late;
end $$;
reset role;
