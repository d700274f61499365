-- What operators see of all workspaces together: a count and an age, never whose. Hence the keeper's. Only what is not
-- dealt with is counted, which its partial index finds however much the last day left.
create function vocero.pulse() returns table (n bigint, oldest float8)
language sql stable security definer set search_path = pg_catalog
as $$
    select count(*), coalesce(extract(epoch from now() - min(created)), 0)::float8 from vocero.inbox where state = 'doing'
$$;
alter function vocero.pulse() owner to vocero_keeper;
