-- Run after the migrations, every time: the application's role works on rows, never on tables. Its name comes from the
-- setting vocero.application_role, so that this file is fixed text. First what the migrating role owns (a superuser:
-- everything), then as the keeper, whose the vectors' tables and the search are.
do $$
declare
    application text := current_setting('vocero.application_role');
    name text;
    called regprocedure;
begin
    execute format('grant usage on schema vocero, vocero_jobs to %I', application);
    execute format('grant select, insert, update, delete on all tables in schema vocero_jobs to %I', application);
    execute format('grant usage on all sequences in schema vocero_jobs to %I', application);
    for pass in 1..2 loop
        for name in select relname from pg_class
            where relnamespace = 'vocero'::regnamespace and relkind = 'r' and pg_has_role(current_user, relowner, 'USAGE') loop
            if name in ('migration', 'embedding_model') then
                execute format('grant select on vocero.%I to %I', name, application);
            else
                execute format('grant select, insert, update, delete on vocero.%I to %I', name, application);
            end if;
        end loop;
        for called in select oid::regprocedure from pg_proc
            where pronamespace = 'vocero'::regnamespace and pg_has_role(current_user, proowner, 'USAGE') loop
            execute format('revoke execute on function %s from public', called);
            execute format('grant execute on function %s to %I, vocero_keeper', called, application);
        end loop;
        set local role vocero_keeper;
    end loop;
    reset role;
end $$;
