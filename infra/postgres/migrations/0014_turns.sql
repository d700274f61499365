-- What was said in conversations: the truth behind the copy in Redis. Apart for each audience, bounded in time, and
-- findable by person and by document, so that forgetting finds it.

create table vocero.turn (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    exchange text not null,  -- a question and its answer share it; one that is written twice counts once
    conversation text not null,
    audience text not null,  -- the fingerprint of who saw it
    who text not null check (who in ('user', 'bot')),
    text text not null,
    meant text not null default '',  -- the question as it was understood, where it leaned on what came before
    person text not null default '',
    documents text[] not null default '{}',  -- that the answer cites or names
    created timestamptz not null default now(),
    primary key (workspace, id),
    unique (workspace, exchange, who)
);
create index on vocero.turn (workspace, conversation, audience, id);
create index on vocero.turn (created);

alter table vocero.turn enable row level security;
alter table vocero.turn force row level security;
create policy own on vocero.turn using (workspace = (select vocero.current_workspace()));
create policy keeper on vocero.turn to vocero_keeper using (true);
grant select, delete on vocero.turn to vocero_keeper;

-- The last turns of a conversation as this audience saw it, oldest first.
create function vocero.recall(p_workspace text, p_conversation text, p_audience text, p_seconds float8, p_most int)
returns table (who text, said text, meant text, person text, documents text[])
language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    return query
        select t.who, t.text, t.meant, t.person, t.documents
        from (
            select * from vocero.turn l
            where l.workspace = vocero.current_workspace() and l.conversation = p_conversation
                and l.audience = p_audience and l.created > now() - make_interval(secs => p_seconds)
            order by l.id desc limit p_most
        ) t order by t.id;
end $$;

-- Keep a question and its answer: two rows or, for an exchange that is kept already, none.
create function vocero.remember(
    p_workspace text, p_exchange text, p_conversation text, p_audience text, p_person text, p_documents text[],
    p_asked text, p_meant text, p_answered text
) returns void language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    insert into vocero.turn (workspace, exchange, conversation, audience, who, text, meant, person, documents)
    select vocero.current_workspace(), p_exchange, p_conversation, p_audience, said.who, said.text, said.meant, p_person,
        p_documents
    from (values ('user', p_asked, p_meant), ('bot', p_answered, '')) as said (who, text, meant)
    where vocero.current_workspace() is not null
    on conflict do nothing;
end $$;

-- Delete turns that are older than they may be, at most so many; return how many went. Across workspaces, hence the
-- keeper's.
create function vocero.trim_turns(p_seconds float8, p_most int) returns int
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with gone as (
        delete from vocero.turn where (workspace, id) in (
            select workspace, id from vocero.turn where created <= now() - make_interval(secs => p_seconds)
            order by created limit p_most
        ) returning 1
    ) select count(*)::int from gone;
$$;
alter function vocero.trim_turns owner to vocero_keeper;
