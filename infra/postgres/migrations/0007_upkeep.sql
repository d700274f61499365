-- What keeps the store in shape: cached vectors that nobody needs any more go, and a workspace may change its language.

alter table vocero.embedding_cache add column used timestamptz not null default now();  -- when a document last asked

create policy keeper on vocero.embedding_cache to vocero_keeper using (true);
grant select, delete on vocero.embedding_cache to vocero_keeper;

-- Delete vectors that no chunk needs and no document asked for in so many days, at most so many; return how many went.
-- They are kept so long for the edit that is taken back. Across workspaces, hence the keeper's.
create function vocero.trim_vectors(days float8, most int) returns int
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
    with old as (
        select workspace, model, text_sha from vocero.embedding_cache e
        where used < now() - make_interval(secs => days * 86400)
            and not exists (select from vocero.data_chunk c where c.workspace = e.workspace and c.text_sha = e.text_sha)
        limit most
    ), gone as (
        delete from vocero.embedding_cache e using old
        where e.workspace = old.workspace and e.model = old.model and e.text_sha = old.text_sha returning 1
    ) select count(*)::int from gone;
$$;
alter function vocero.trim_vectors owner to vocero_keeper;
create index on vocero.data_chunk (workspace, text_sha);  -- forgetting asks this, too

-- Read the words of the transaction's workspace in another language: of what is there and of what will come. Returns how
-- many chunks were read again. The caller holds the workspace's lock.
create function vocero.speak(new_language regconfig) returns int
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
    space int := vocero.current_workspace();
    changed int;
begin
    update vocero.workspace set language = new_language where id = space and language <> new_language;
    if not found then
        return 0;
    end if;
    update vocero.data_chunk set language = new_language where workspace = space;
    get diagnostics changed = row_count;
    delete from vocero.lexeme_count where workspace = space;
    insert into vocero.lexeme_count (workspace, word, chunks)
    select space, word, count(*) from vocero.data_chunk c, unnest(tsvector_to_array(c.text_search_tsv)) as word
    where c.workspace = space group by word;
    update vocero.collection set edition = edition + 1 where workspace = space;
    return changed;
end $$;
