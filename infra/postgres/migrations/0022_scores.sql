-- The two searches' scores, added, in the place of their ranks. Each is stretched to 0 to 1 over the candidates of both, so
-- that neither scale counts and how far one passage stands above the next does: "relative score fusion" (Bruch et al.
-- 2023, ACM TOIS 42(1)). nDCG@10 with the embedded MiniLM: .837 on claude-docs, .753 on codebase, .926 on mtragun, where
-- reciprocal ranks (k = 10) find .824, .727, .926. The words weighing .4 or .6: .838 and .836 in the mean, .5 .838.

drop function vocero.search(public.halfvec, text, text, int, int, float8, int, int, int, float8);  -- replaced: by the same types and order

-- Every step is a statement of its own: the fixed ones keep their plans, and only what names a table of vectors or holds a
-- question's words is planned anew, for the values at hand (planning one large statement took a third of a dense search).
-- As the function is stable, all of them see the moment of the statement that calls it.
create function vocero.search(
    question_vector public.halfvec, question_model text, question text, wanted int,
    exact_chunks int default 20000,  -- below: every vector is compared (recall 1)
    exact_share float8 default 0.1,  -- of the model's table: below, an index scan would mostly meet what may not be seen
    scan_chunks int default 2000,  -- below: full text reads these chunks, not the index of everyone's words
    match_budget int default 1000,  -- rows that full text may rank, the rarest words first: 300 to 3,000 found the same
    pool int default 40,  -- candidates of each kind
    words_share float8 default 0.5  -- of the sum, of the words' score; the rest is the vector's
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
    points float8[];
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
        -- what only its vector found is weighed, too
        execute format('select array_agg(id order by points desc, id), array_agg(points order by points desc, id) from (
            select id, points, row_number() over (order by points desc, id) as place from (
                select id, (%s) / sqrt(1 + ln(1 + length(text_search_tsv))) as points from vocero.data_chunk
                where workspace = $1 and collection = any ($2) and (text_search_tsv @@ $3 or id = any ($8))%s) scored
            ) n where place <= $4 or id = any ($8)',
            (select string_agg(format('($5)[%s] * ts_rank($6, text_search_tsv, ($7)[%s], 0)', i, i), ' + ')
             from generate_subscripts(words, 1) i),
            case when space.visible <= scan_chunks then ' is true' else '' end)  -- `is true` hides the index
        into named, points
        using space.id, space.readable, matched, candidates, weights,
            '{0.5, 0.5, 0.7, 1.0}'::float4[], words, near;  -- weights of body, unused, headings, title
    end if;

    -- what only its words found is measured, too: neither the sum nor the gate has two scales
    if vectors is not null and named is not null then
        lacking := array(select id from unnest(named) id where id <> all (coalesce(near, '{}')));
        execute format('select array_agg(chunk), array_agg(embedding <=> $1) from vocero.%I where chunk = any ($2)', vectors)
        into lacking, more using question_vector, lacking;
        near := near || lacking;
        distances := distances || more;
    end if;

    if vectors is null or named is null then  -- words only; or the vector only, or none of the words is known
        found := (coalesce(named, near))[:wanted];
        scores := (coalesce(points, array(select 1 - distance from unnest(distances) distance)))[:wanted];
    else
        select array_agg(id order by score desc, id), array_agg(score order by score desc, id) into found, scores
        from (
            -- from 0 to 1 over the candidates; all are 1 where they are equal, 0 what is not known (not embedded yet, say)
            select id, words_share * coalesce((points - few) / nullif(many - few, 0), (points is not null)::int)
                + (1 - words_share) * coalesce((far - distance) / nullif(far - close, 0), (distance is not null)::int) as score
            from (
                select id, p.points, d.distance, min(p.points) over () as few, max(p.points) over () as many,
                    min(d.distance) over () as close, max(d.distance) over () as far
                from unnest(named, points) p(id, points) full join unnest(near, distances) d(id, distance) using (id)
            ) candidate
            order by score desc, id limit wanted
        ) best;
    end if;

    return query select c.node_id, d.name, d.title, d.url, c.anchor, c.text, c.path, c.revision, f.points, 1 - n.distance
    from unnest(found, scores) with ordinality f(id, points, place)
    join vocero.data_chunk c on c.id = f.id
    join vocero.document d on d.workspace = space.id and d.id = c.document
    left join unnest(near, distances) n(id, distance) on n.id = f.id
    order by f.place;
end $$;

alter function vocero.search owner to vocero_keeper;
