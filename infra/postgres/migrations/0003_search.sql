-- Search, and the vectors it reads. `find` and `shelf` tell who is asking and ask, in one round trip; `search` itself
-- takes workspace and scopes from the settings only. SQLSTATEs of ours: VO001 unknown workspace, VO002 no workspace or
-- scopes named, VO003 the documents were embedded by another model, VO004 the model's vectors changed their length.
--
-- Full text is the sum of idf x ts_rank a word, over the root of the logarithm of the chunk's distinct words. With the
-- embedded MiniLM, chunks of 1,000 characters and rank fusion (k = 10) its nDCG@10 is .832 on claude-docs and .703 on
-- codebase; without the length .818 and .705; with ts_rank's own (flag 1) .844 and .690; a match counted as 1 .793 and
-- .702; the body weighing .2 instead of .5 .791 and .701.

-- The table of one model's vectors, made when the model is first used. Its name holds an int, nothing given.
create function vocero.register_model(model text, length int) returns int
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
    found vocero.embedding_model;
    vectors text;
begin
    perform pg_advisory_xact_lock(hashtext('vocero.embedding_model'));
    select * into found from vocero.embedding_model where name = model;
    if found.id is not null then
        if found.dimensions <> length then
            raise exception 'model % has % dimensions, not %', model, found.dimensions, length using errcode = 'VO004';
        end if;
        return found.id;
    end if;
    insert into vocero.embedding_model (name, dimensions) values (model, length) returning * into found;
    vectors := format('embedding_%s', found.id);
    execute format('create table vocero.%I (
        workspace int not null, collection int not null, chunk bigint primary key references vocero.data_chunk on delete cascade,
        embedding halfvec(%s) not null) with (toast_tuple_target = 8160)', vectors, length);
    execute format('create index on vocero.%I (workspace, collection)', vectors);
    execute format('create index on vocero.%I using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 64)', vectors);
    execute format('alter table vocero.%I enable row level security', vectors);
    execute format('alter table vocero.%I force row level security', vectors);
    execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', vectors);
    execute format('create policy keeper on vocero.%I to vocero_keeper using (true)', vectors);
    execute format('grant select, insert, update, delete on vocero.%I to %I', vectors, session_user);
    return found.id;
end $$;

-- Who may be read: the collections of the named workspace whose scope every reader holds.
create function vocero.scopes() returns text[]
language plpgsql stable parallel safe set search_path = pg_catalog
as $$
declare
    named text := current_setting('vocero.scopes', true);
begin
    if coalesce(current_setting('vocero.workspace', true), '') = '' or coalesce(named, '') in ('', '{}') then
        raise exception 'no workspace or no scopes named' using errcode = 'VO002';
    end if;
    return named::text[];
end $$;

-- Loads the extension: an ordinary owner may name its settings below only when they are known.
select '[1]'::public.halfvec;

create function vocero.search(
    question_vector public.halfvec, question_model text, question text, wanted int,
    exact_chunks int default 20000,  -- below: every vector is compared (recall 1)
    exact_share float8 default 0.1,  -- of the model's table: below, an index scan would mostly meet what may not be seen
    scan_chunks int default 2000,  -- below: full text reads these chunks, not the index of everyone's words
    match_budget int default 1000,  -- rows that full text may rank, the rarest words first: 300 to 3,000 found the same
    pool int default 40,  -- candidates of each kind
    rank_constant float8 default 10  -- of reciprocal rank fusion; 10 beat 60 on every set tried
) returns table (
    chunk text, document text, title text, url text, anchor text, body text, path text[], revision int,
    score float8, cosine float8
)
language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp
set hnsw.ef_search = 100 set hnsw.iterative_scan = 'relaxed_order' set hnsw.max_scan_tuples = 40000
set jit = off set max_parallel_workers_per_gather = 0 set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    space vocero.workspace;
    readable int[];
    visible bigint;
    total float8;
    vectors text;
    exact boolean;
    words tsquery[];
    weights float8[];
    matched tsquery;
    near text;
    named text;
    query text;
begin
    select array_agg(c.id), coalesce(sum(c.chunks), 0) into readable, visible
    from vocero.collection c join vocero.workspace w on w.id = c.workspace
    where w.name = current_setting('vocero.workspace', true) and c.scope = any (vocero.scopes()) and c.chunks > 0;
    select * into space from vocero.workspace w where w.name = current_setting('vocero.workspace', true);
    if space.id is null then
        raise exception 'no workspace %', current_setting('vocero.workspace', true) using errcode = 'VO001';
    end if;
    if visible = 0 then
        return;
    end if;

    if question_vector is not null then
        select format('embedding_%s', m.id), visible <= exact_chunks or visible < exact_share * t.reltuples
        into vectors, exact
        from vocero.embedding_model m left join pg_class t on t.oid = to_regclass(format('vocero.embedding_%s', m.id))
        where m.id = space.model and m.name = question_model;
        if vectors is null then
            raise exception 'the documents were embedded by another model' using errcode = 'VO003';
        end if;
    end if;

    if question is not null then
        select coalesce(sum(c.chunks), 0) into total from vocero.collection c where c.workspace = space.id;
        -- a lexeme is quoted as tsquery input wants it and travels as a parameter; only numbers enter the statement
        select array_agg(term order by n), array_agg(ln(1 + (total - chunks + 0.5) / (chunks + 0.5)) order by n),
            string_agg(term::text, ' | ' order by n) filter (where n = 1 or so_far <= match_budget)
        into words, weights, matched
        from (
            select l.chunks, row_number() over rarest n, sum(l.chunks) over rarest so_far,
                ('''' || replace(replace(l.word, '\', '\\'), '''', '''''') || '''')::tsquery term
            from unnest(tsvector_to_array(vocero.to_words(space.language, question))) as asked(word)
            join vocero.lexeme_count l on l.workspace = space.id and l.word = asked.word and l.chunks > 0
            window rarest as (order by l.chunks, l.word)
        ) ranked where n <= 32;
    end if;

    if vectors is null and matched is null then
        return;
    end if;
    near := 'select null::bigint as chunk, null::float8 as distance, null::bigint as place where false';
    if vectors is not null then
        near := format('select chunk, distance, row_number() over (order by distance, chunk) as place from (
            select chunk, %s as distance from vocero.%I
            where workspace = $1 and collection = any ($2) order by %1$s limit $4) n',
            case when exact then '(embedding <=> $3) + 0' else 'embedding <=> $3' end, vectors);  -- + 0 hides the index
    end if;
    named := 'select null::bigint as chunk, null::bigint as place where false';
    if matched is not null then
        named := format('select id as chunk, row_number() over (order by points desc, id) as place from (
            select id, (%s) / sqrt(1 + ln(1 + length(text_search_tsv))) as points from vocero.data_chunk
            where workspace = $1 and collection = any ($2) and (text_search_tsv @@ $7)%s
            order by points desc, id limit $4) n',
            (select string_agg(format('($6)[%s] * ts_rank($8, text_search_tsv, ($5)[%s], 0)', i, i), ' + ')
             from generate_subscripts(words, 1) i),
            case when visible <= scan_chunks then ' is true' else '' end);  -- `is true` hides the index
    end if;
    query := 'with near as materialized (' || near || '),
        named as materialized (' || named || '),
        fused as (
            select coalesce(n.chunk, w.chunk) as chunk, n.distance,
                coalesce(1 / ($9 + n.place), 0) + coalesce(1 / ($9 + w.place), 0) as score
            from near n full join named w on w.chunk = n.chunk order by score desc, chunk limit $10)
        select c.node_id, d.name, d.title, d.url, c.anchor, c.text, c.path, c.revision, f.score, '
        || case when vectors is null then 'null::float8' else format(
            '1 - coalesce(f.distance, (select e.embedding <=> $3 from vocero.%I e where e.chunk = f.chunk))', vectors) end || '
        from fused f join vocero.data_chunk c on c.id = f.chunk
        join vocero.document d on d.workspace = $1 and d.id = c.document order by f.score desc, f.chunk';
    return query execute query using space.id, readable, question_vector, greatest(pool, wanted), words, weights, matched,
        '{0.5, 0.5, 0.7, 1.0}'::float4[], rank_constant, wanted;  -- weights of body, unused, headings, title
end $$;

create function vocero.find(
    workspace text, scopes text[], question_vector public.halfvec, question_model text, question text, wanted int
) returns table (
    chunk text, document text, title text, url text, anchor text, body text, path text[], revision int,
    score float8, cosine float8
)
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
begin
    perform set_config('vocero.workspace', workspace, true), set_config('vocero.scopes', scopes::text, true);
    return query select * from vocero.search(question_vector, question_model, question, wanted);
end $$;

create function vocero.shelf(workspace text, scopes text[]) returns table (name text, edition bigint, chunks int)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform set_config('vocero.workspace', workspace, true), set_config('vocero.scopes', scopes::text, true);
    if vocero.current_workspace() is null then
        raise exception 'no workspace %', workspace using errcode = 'VO001';
    end if;
    return query select c.name, c.edition, c.chunks from vocero.collection c
        where c.workspace = vocero.current_workspace() and c.scope = any (vocero.scopes()) order by c.name;
end $$;

-- Nothing runs for ever: what is past its deadline has failed. Across workspaces, hence the keeper's.
create function vocero.sweep() returns int
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with late as (
        update vocero.document set state = 'failed', stage = '', deadline = null, changed = now(),
            reason = 'It took too long or was interrupted: add it again.'
        where state in ('queued', 'running') and deadline < now() returning 1
    ) select count(*)::int from late;
$$;

alter function vocero.register_model owner to vocero_keeper;
alter function vocero.search owner to vocero_keeper;
alter function vocero.sweep owner to vocero_keeper;
