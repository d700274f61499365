-- Run before the migrations, every time: the schema, and the role without login that owns search (see 0002).
do $$
begin
    if not exists (select from pg_roles where rolname = 'vocero_keeper') then
        begin
            create role vocero_keeper nologin;
        exception when duplicate_object or unique_violation then
            null;  -- another database of this server was being migrated at the same moment
        end;
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) and not pg_has_role(current_user, 'vocero_keeper', 'SET') then
        -- to hand functions over, but never to inherit its policies, which see every workspace
        execute format('grant vocero_keeper to %I with inherit false, set true', current_user);
    end if;
end $$;
create schema if not exists vocero;
grant usage, create on schema vocero to vocero_keeper;
create table if not exists vocero.migration (name text primary key, applied timestamptz not null default now());
-- pgvector's settings may be named by others than superusers only once its library is loaded in the session
do $$
begin
    if exists (select from pg_extension where extname = 'vector') then
        perform '[1]'::public.vector;
    end if;
end $$;
