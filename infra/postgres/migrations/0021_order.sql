-- Order within a conversation across processes: who accepts a delivery learns whether an earlier one is still in hand, and
-- may ask again (`p_own`: those it keeps in order itself). What waits for a service (0011), or is tried a
-- third time, holds nobody up.
create index on vocero.inbox (workspace, conversation, id) where state = 'doing';

create function vocero.behind(p_workspace text, p_id bigint, p_own bigint[]) returns boolean
language plpgsql volatile set search_path = pg_catalog
as $$
begin
    perform set_config('vocero.workspace', p_workspace, true);
    return exists (select from vocero.inbox own join vocero.inbox other on other.workspace = own.workspace
            and other.conversation = own.conversation and other.id < own.id
        where own.workspace = vocero.current_workspace() and own.id = p_id and other.state = 'doing' and other.deferred = 0
            and other.id <> all (p_own) and other.attempt <= 2);
end $$;

-- `accept` (0004) with that news, in one round trip.
create function vocero.admit(p_workspace text, p_event text, p_conversation text, p_payload jsonb, p_seconds float8)
returns table (id bigint, behind boolean)
language plpgsql volatile set search_path = pg_catalog
as $$
declare
    accepted bigint := vocero.accept(p_workspace, p_event, p_conversation, p_payload, p_seconds);
begin
    return query select accepted, accepted is not null and vocero.behind(p_workspace, accepted, '{}');
end $$;
