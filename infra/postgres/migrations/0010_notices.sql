-- Who is told how the learning of documents ended; crawls through the queue; receipts that say when bytes left the files;
-- and when the store was last kept in shape.

alter table vocero.pending add column depth int not null default 0;  -- links to follow from the address

-- A person who waits for what they gave to be learned, and where: nothing here has a word of it.
create table vocero.notice (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    key text not null,  -- of the order: given again after a crash, it is not told twice
    person text not null,
    conversation text not null,
    tongue text not null,
    address jsonb not null,  -- what the platform's adapter needs to find the place
    created timestamptz not null default now(),
    primary key (workspace, id),
    unique (workspace, key)
);
create table vocero.awaited (
    workspace int not null,
    notice bigint not null,
    document bigint not null,  -- no reference: a document that is forgotten meanwhile has ended, too
    name text not null,
    pages int not null default 0,  -- of a crawl, beside the first: learned
    failed int not null default 0,  -- and not
    ended jsonb,
    primary key (workspace, notice, document),
    foreign key (workspace, notice) references vocero.notice on delete cascade
);
create index on vocero.awaited (workspace, document) where ended is null;

-- What a forgetting did, by ids and numbers, and when the bytes left the database's files.
create table vocero.receipt (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    kind text not null,
    object_sha bytea not null,  -- of the id of what was forgotten: a person's must not stay
    body jsonb not null default '{}',
    forgotten timestamptz not null default clock_timestamp(),
    wiped timestamptz,
    primary key (workspace, id)
);
create index on vocero.receipt (workspace, kind, object_sha);
create index on vocero.receipt (forgotten) where wiped is null;

alter table vocero.adapter add column rebuild_since timestamptz;  -- withdrawn by a forgetting: it is to be trained anew

do $$
declare
    name text;
begin
    foreach name in array array['notice', 'awaited', 'receipt'] loop
        execute format('alter table vocero.%I enable row level security', name);
        execute format('alter table vocero.%I force row level security', name);
        execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', name);
        execute format('create policy keeper on vocero.%I to vocero_keeper using (true)', name);
    end loop;
end $$;
grant select, update, delete on vocero.notice, vocero.awaited to vocero_keeper;
grant insert on vocero.inbox to vocero_keeper;
grant select, update (wiped) on vocero.receipt to vocero_keeper;

-- However a learning ends (learned, failed, swept, removed, forgotten), those who wait for it are told, in the
-- transaction that ends it: what was to be told becomes a delivery of the platform, which shows it once.
create function vocero.tell() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    waiting vocero.notice;
    how jsonb;
begin
    if tg_op = 'DELETE' then
        how := '{"state": "forgotten"}';
    elsif new.state in ('queued', 'running') then
        return null;
    else
        how := jsonb_build_object('state', new.state, 'reason', new.reason, 'chunks', new.chunks);
    end if;
    for waiting in
        select n.* from vocero.notice n join vocero.awaited a on a.workspace = n.workspace and a.notice = n.id
        where a.workspace = old.workspace and a.document = old.id and a.ended is null order by n.id for update of n
    loop
        update vocero.awaited set ended = how
        where workspace = waiting.workspace and notice = waiting.id and document = old.id;
        if exists (select from vocero.workspace where id = waiting.workspace) and not exists (
            select from vocero.awaited where workspace = waiting.workspace and notice = waiting.id and ended is null)
        then
            insert into vocero.inbox (workspace, event_key, conversation, payload, attempt, lease)
            select waiting.workspace, 'notice/' || waiting.key, waiting.conversation,
                waiting.address || jsonb_build_object('kind', 'notice', 'tongue', waiting.tongue, 'ends',
                    jsonb_agg(ended || jsonb_build_object('document', name, 'pages', pages, 'failed', failed,
                        'seconds', extract(epoch from clock_timestamp() - waiting.created)) order by document)),
                0, now()
            from vocero.awaited where workspace = waiting.workspace and notice = waiting.id
            on conflict (workspace, event_key) do nothing;
            delete from vocero.notice where workspace = waiting.workspace and id = waiting.id;
        end if;
    end loop;
    return null;
end $$;
alter function vocero.tell() owner to vocero_keeper;
create trigger tell_change after update of state on vocero.document
    for each row when (old.state in ('queued', 'running')) execute function vocero.tell();
create trigger tell_delete after delete on vocero.document
    for each row when (old.state in ('queued', 'running')) execute function vocero.tell();

-- One row: when the store was last kept in shape, and when that was last tried.
create table vocero.upkeep (
    one boolean primary key default true check (one),
    kept timestamptz not null default now(),
    tried timestamptz not null default now()
);
alter table vocero.upkeep enable row level security;
alter table vocero.upkeep force row level security;
create policy keeper on vocero.upkeep to vocero_keeper using (true);
grant select, insert, update on vocero.upkeep to vocero_keeper;

-- Whether upkeep is due that was planned for a moment in the past, and is not being tried; it is then ours to try. The
-- first look at a store only begins the count, unless bytes of something forgotten are in it.
create function vocero.take_upkeep(p_planned timestamptz, p_again float8) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into vocero.upkeep default values on conflict do nothing;
    update vocero.upkeep u set tried = clock_timestamp()
    where tried < clock_timestamp() - make_interval(secs => p_again) and (kept < p_planned
        or exists (select from vocero.receipt where wiped is null and forgotten < p_planned));
    return found;
end $$;
alter function vocero.take_upkeep owner to vocero_keeper;

-- Whether bytes of what was forgotten are still in the files, in any workspace.
create function vocero.to_wipe() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from vocero.receipt where wiped is null) $$;
alter function vocero.to_wipe owner to vocero_keeper;

-- Note that the store was kept in shape; and, where a wipe began after something was forgotten, that its bytes are gone.
create function vocero.note_upkeep(p_wipe_began timestamptz) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    gone int;
begin
    insert into vocero.upkeep default values on conflict (one) do update set kept = now(), tried = now();
    update vocero.receipt set wiped = clock_timestamp() where wiped is null and forgotten < p_wipe_began;
    get diagnostics gone = row_count;
    return gone;
end $$;
alter function vocero.note_upkeep owner to vocero_keeper;
