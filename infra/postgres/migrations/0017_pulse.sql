-- What operators see of all workspaces together: a count and an age, never whose. Hence the keeper's. Only what is not
-- dealt with is counted, which its partial index finds however much the last day left.
create function vocero.pulse() returns table (n bigint, oldest float8)
language sql stable security definer set search_path = pg_catalog
as $$
    select count(*), coalesce(extract(epoch from now() - min(created)), 0)::float8 from vocero.inbox where state = 'doing'
$$;
alter function vocero.pulse() owner to vocero_keeper;

-- What answers left behind goes after so many days: the record of ids and numbers, what was shown where with its
-- verdicts, and questions that nobody filled. At most so many of each; returns how many went. Across workspaces.
do $$
declare
    name text;
begin
    foreach name in array array['answer_log', 'exchange', 'gap'] loop
        execute format('drop policy if exists keeper on vocero.%I', name);  -- 0011 made that of gaps
        execute format('create policy keeper on vocero.%I to vocero_keeper using (true)', name);
        execute format('grant select, delete on vocero.%I to vocero_keeper', name);
        execute format('create index on vocero.%I using brin (created)', name);  -- rows lie in the order they came
    end loop;
end $$;
create function vocero.trim_answers(days float8, most int) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    gone int;
    total int := 0;
    name text;
begin
    foreach name in array array['answer_log', 'exchange', 'gap'] loop
        execute format('delete from vocero.%I where ctid in (select ctid from vocero.%I
            where created < now() - make_interval(secs => $1 * 86400) limit $2)', name, name) using days, most;
        get diagnostics gone = row_count;
        total := total + gone;
    end loop;
    return total;
end $$;
alter function vocero.trim_answers(float8, int) owner to vocero_keeper;
