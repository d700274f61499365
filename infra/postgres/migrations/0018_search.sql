-- Search, and the vectors it reads, in one function that asks for who is asking (0003) and the question only.
--
-- Full text is the sum of idf x ts_rank a word, over the root of the logarithm of the chunk's distinct words. With the
-- embedded MiniLM, chunks of 1,000 characters and rank fusion (k = 10) its nDCG@10 is .832 on claude-docs and .703 on
-- codebase; without the length .818 and .705; with ts_rank's own (flag 1) .844 and .690; a match counted as 1 .793 and
-- .702; the body weighing .2 instead of .5 .791 and .701.

-- The look into one model's graph, a function of its own so that its plan is kept: planning it anew took a tenth of a
-- search. A kept plan does not know the values, and without the setting would sort a whole workspace; the index's order
-- is the only one that needs no sorting.
create or replace function vocero.make_near(model int) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
    execute format('create or replace function vocero.%I(
            question halfvec, space int, readable int[], wanted int, out near bigint[], out distances float8[])
        language plpgsql stable set search_path = pg_catalog, public, pg_temp
        set enable_sort = off set plan_cache_mode = force_generic_plan as $near$
        begin
            select array_agg(chunk order by distance, chunk), array_agg(distance order by distance, chunk)
            into near, distances from (select chunk, embedding <=> question as distance from vocero.%I
                where workspace = space and collection = any (readable) order by embedding <=> question limit wanted) n;
        end $near$', format('near_%s', model), format('embedding_%s', model));
    execute format('revoke execute on function vocero.%I from public', format('near_%s', model));
end $$;

-- The table of one model's vectors, made when the model is first used. Its name holds an int, nothing given. Among 100,000
-- vectors in 1,000 tight clusters, a graph built with ef_construction 64 lost the cluster of 7 questions in 200 (recall
-- .964, looking at 40 candidates); with 128 it lost none (.998), at a seventh less work for the same recall.
create or replace function vocero.register_model(model text, length int) returns int
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
    execute format('create index on vocero.%I using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 128)', vectors);
    execute format('alter table vocero.%I enable row level security', vectors);
    execute format('alter table vocero.%I force row level security', vectors);
    execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', vectors);
    execute format('create policy keeper on vocero.%I to vocero_keeper using (true)', vectors);
    execute format('grant select, insert, update, delete on vocero.%I to %I', vectors, session_user);
    perform vocero.make_near(found.id);
    return found.id;
end $$;

-- Loads the extension: an ordinary owner may name its settings below only when they are known.
select '[1]'::public.halfvec;

-- Every step is a statement of its own: the fixed ones keep their plans, and only what names a table of vectors or holds a
-- question's words is planned anew, for the values at hand (planning one large statement took a third of a dense search).
-- As the function is stable, all of them see the moment of the statement that calls it.
create or replace function vocero.search(
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
set hnsw.ef_search = 40 set hnsw.iterative_scan = 'relaxed_order' set hnsw.max_scan_tuples = 40000
set jit = off set max_parallel_workers_per_gather = 0 set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    scopes text[] := vocero.scopes();
    space record;
    candidates int := case when question is null or question_vector is null then wanted else greatest(pool, wanted) end;
    share float8;
    total float8;
    vectors text;
    exact boolean;
    words tsquery[];
    weights float8[];
    matched tsquery;
    near bigint[];
    distances float8[];
    named bigint[];
    found bigint[];
    scores float8[];
    lacking bigint[];
    more float8[];
begin
    select w.id, w.language, m.id as model, array_agg(c.id) as readable, coalesce(sum(c.chunks), 0) as visible into space
    from vocero.workspace w
    left join vocero.embedding_model m on m.id in (w.model, w.former) and m.name = question_model
    left join vocero.collection c on c.workspace = w.id and c.scope = any (scopes) and vocero.wanted(c.name)
        and c.chunks > 0
    where w.name = current_setting('vocero.workspace', true) group by w.id, m.id;
    if space.id is null then
        raise exception 'no workspace %', current_setting('vocero.workspace', true) using errcode = 'VO001';
    end if;
    if space.visible = 0 then
        return;
    end if;

    if question_vector is not null then
        if space.model is null then
            raise exception 'the documents were embedded by another model' using errcode = 'VO003';
        end if;
        vectors := format('embedding_%s', space.model);
        select space.visible / greatest(t.reltuples, space.visible) into share
        from pg_class t where t.relnamespace = 'vocero'::regnamespace and t.relname = vectors;
        exact := space.visible <= exact_chunks or share < exact_share;
        if exact then
            execute format('select array_agg(chunk order by distance, chunk), array_agg(distance order by distance, chunk)
                from (select chunk, (embedding <=> $3) + 0 as distance from vocero.%I
                    where workspace = $1 and collection = any ($2) order by distance limit $4) n', vectors)  -- + 0 hides the index
            into near, distances
            using space.id, space.readable, question_vector, candidates;
        else
            -- One look into the graph should meet enough that may be seen; where it does not, the scan goes on. Of 100,000
            -- vectors, all of them visible, looking at 24 candidates found .9965 of the ten nearest, at 20 .985, at 40 .9985.
            perform set_config('hnsw.ef_search', least(400, ceil(greatest(24, 1.25 * candidates) / share))::text, true);
            execute format('select near, distances from vocero.%I($1, $2, $3, $4)', format('near_%s', space.model))
            into near, distances
            using question_vector, space.id, space.readable, candidates;
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
    if matched is not null then
        execute format('select array_agg(id order by points desc, id) from (
            select id, (%s) / sqrt(1 + ln(1 + length(text_search_tsv))) as points from vocero.data_chunk
            where workspace = $1 and collection = any ($2) and (text_search_tsv @@ $3)%s
            order by points desc, id limit $4) n',
            (select string_agg(format('($5)[%s] * ts_rank($6, text_search_tsv, ($7)[%s], 0)', i, i), ' + ')
             from generate_subscripts(words, 1) i),
            case when space.visible <= scan_chunks then ' is true' else '' end)  -- `is true` hides the index
        into named
        using space.id, space.readable, matched, candidates, weights,
            '{0.5, 0.5, 0.7, 1.0}'::float4[], words;  -- weights of body, unused, headings, title
    end if;

    if named is null then  -- dense only, or none of the words is known
        found := near[:wanted];
        scores := array(select 1 / (rank_constant + place) from generate_series(1, cardinality(found)) place);
    else
        select array_agg(id order by points desc, id), array_agg(points order by points desc, id) into found, scores
        from (
            select id, sum(1 / (rank_constant + place)) as points from (
                select * from unnest(near) with ordinality union all select * from unnest(named) with ordinality) r(id, place)
            group by id order by points desc, id limit wanted
        ) best;
    end if;
    -- what only its words found is measured, too: the gate has one scale
    if vectors is not null and named is not null then
        lacking := array(select id from unnest(found) id where id <> all (coalesce(near, '{}')));
        execute format('select array_agg(chunk), array_agg(embedding <=> $1) from vocero.%I where chunk = any ($2)', vectors)
        into lacking, more using question_vector, lacking;
        near := near || lacking;
        distances := distances || more;
    end if;

    return query select c.node_id, d.name, d.title, d.url, c.anchor, c.text, c.path, c.revision, f.points, 1 - n.distance
    from unnest(found, scores) with ordinality f(id, points, place)
    join vocero.data_chunk c on c.id = f.id
    join vocero.document d on d.workspace = space.id and d.id = c.document
    left join unnest(near, distances) n(id, distance) on n.id = f.id
    order by f.place;
end $$;

do $$
declare
    model int;
begin
    for model in select id from vocero.embedding_model loop
        perform vocero.make_near(model);
    end loop;
end $$;

alter function vocero.make_near owner to vocero_keeper;
alter function vocero.register_model owner to vocero_keeper;
alter function vocero.search owner to vocero_keeper;
