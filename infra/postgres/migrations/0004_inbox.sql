-- What platforms delivered, accepted durably before it is acknowledged: dedupe across replicas, queue and lease in one row.
-- All times are the database's, so that no process's clock can lose a lease. Every write back is fenced by the attempt.

create table vocero.inbox (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    event_key text not null,  -- the platform's id of this delivery's event: retries share it
    message_key text,  -- of the message it is about, claimed once it is known to be for us: a mention arrives twice
    conversation text not null default '',
    payload jsonb not null,  -- emptied when the work is done
    state text not null default 'doing' check (state in ('doing', 'done', 'ignored', 'failed')),
    attempt int not null default 1,
    lease timestamptz not null,
    placeholder text not null default '',  -- where the visible answer stands, once there is one
    created timestamptz not null default now(),
    ended timestamptz,
    primary key (workspace, id),
    unique (workspace, event_key),
    unique (workspace, message_key)
);
create index on vocero.inbox (lease) where state = 'doing';
create index on vocero.inbox (ended) where state <> 'doing';

alter table vocero.inbox enable row level security;
alter table vocero.inbox force row level security;
create policy own on vocero.inbox using (workspace = (select vocero.current_workspace()));
create policy keeper on vocero.inbox to vocero_keeper using (true);
grant select, update (lease, attempt), delete on vocero.inbox to vocero_keeper;

-- Accept a delivery: its row's id, or null when it was accepted before. Creates the workspace on its first event.
create function vocero.accept(p_workspace text, p_event text, p_conversation text, p_payload jsonb, p_seconds float8)
returns bigint language plpgsql set search_path = pg_catalog
as $$
declare
    accepted bigint;
begin
    perform set_config('vocero.workspace', p_workspace, true);
    insert into vocero.workspace (name) values (p_workspace) on conflict do nothing;
    insert into vocero.inbox (workspace, event_key, conversation, payload, lease)
    values (vocero.current_workspace(), p_event, p_conversation, p_payload, now() + make_interval(secs => p_seconds))
    on conflict (workspace, event_key) do nothing returning id into accepted;
    return accepted;
end $$;

-- Claim the message an event is about: false when another event claimed it first.
create function vocero.claim(p_workspace text, p_id bigint, p_attempt int, p_message text)
returns boolean language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    update vocero.inbox set message_key = p_message
    where workspace = vocero.current_workspace() and id = p_id and attempt = p_attempt and state = 'doing';
    return found;
exception when unique_violation then
    return false;
end $$;

-- Extend the lease and, when named, note where the visible answer stands: false when the lease was lost.
create function vocero.hold(p_workspace text, p_id bigint, p_attempt int, p_seconds float8, p_placeholder text)
returns boolean language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    update vocero.inbox set lease = now() + make_interval(secs => p_seconds),
        placeholder = coalesce(nullif(p_placeholder, ''), placeholder)
    where workspace = vocero.current_workspace() and id = p_id and attempt = p_attempt and state = 'doing';
    return found;
end $$;

-- End the work: false when the lease was lost, and then nothing of it may be shown.
create function vocero.settle(p_workspace text, p_id bigint, p_attempt int, p_state text)
returns boolean language plpgsql set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    update vocero.inbox set state = p_state, ended = now(), payload = '{}'
    where workspace = vocero.current_workspace() and id = p_id and attempt = p_attempt and state = 'doing';
    return found;
end $$;

-- Take over what expired, of workspaces whose name begins so (a platform's: `slack/`), and drop what ended long ago.
create function vocero.reap(p_platform text, p_seconds float8, p_most int, p_keep float8)
returns table (workspace text, id bigint, event_key text, conversation text, payload jsonb, attempt int, placeholder text)
language plpgsql security definer set search_path = pg_catalog
as $$
begin
    delete from vocero.inbox x using vocero.workspace w
    where w.id = x.workspace and starts_with(w.name, p_platform) and x.state <> 'doing'
        and x.ended < now() - make_interval(secs => p_keep);
    return query
    update vocero.inbox x set lease = now() + make_interval(secs => p_seconds), attempt = x.attempt + 1
    from vocero.workspace w
    where w.id = x.workspace and (x.workspace, x.id) in (
        select e.workspace, e.id from vocero.inbox e join vocero.workspace v on v.id = e.workspace
        where starts_with(v.name, p_platform) and e.state = 'doing' and e.lease < now()
        order by e.lease limit p_most for update of e skip locked)
    returning w.name, x.id, x.event_key, x.conversation, x.payload, x.attempt, x.placeholder;
end $$;
alter function vocero.reap(text, float8, int, float8) owner to vocero_keeper;
