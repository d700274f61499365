-- The tables. Every row begins with its workspace; people see names (local, slack/T1, discord/G1), rows hold small ints.
-- What an admin taught stands in collection -> document -> data_chunk; vectors stand apart, one table a model (0018).

create extension if not exists vector;

-- One vocabulary of models for the installation; vectors of two names never meet.
create table vocero.embedding_model (
    id int generated always as identity primary key,
    name text not null unique,
    dimensions int not null check (dimensions between 1 and 4000)  -- halfvec indexes end at 4,000
);

create table vocero.workspace (
    id int generated always as identity primary key,
    name text not null unique check (name ~ '^[^\s[:cntrl:]]{1,200}$'),
    language regconfig not null default 'english',
    model int references vocero.embedding_model,  -- whose vectors are searched; a reindex ends by changing it
    created timestamptz not null default now()
);

create table vocero.collection (
    workspace int not null references vocero.workspace on delete cascade,
    id int generated always as identity,
    name text not null,
    scope text not null check (scope ~ '^(workspace|channel:[^\s[:cntrl:]]{1,200})$'),
    edition bigint not null default 0,
    chunks int not null default 0 check (chunks >= 0),
    primary key (workspace, id),
    unique (workspace, name)
);

create table vocero.document (
    workspace int not null,
    id bigint generated always as identity,
    name text not null,  -- what people see: d and eight characters
    collection int not null,
    source text not null,
    title text not null default '',
    url text not null default '',
    media_type text not null default '',
    state text not null check (state in ('queued', 'running', 'indexed', 'unchanged', 'failed', 'removed')),
    reason text not null default '',
    stage text not null default '',
    deadline timestamptz,
    attempt int not null default 0,  -- raised when a learning starts
    live_attempt int not null default 0,  -- which of them the chunks came from: the newest started that finished
    content_sha bytea,  -- of the bytes as they came, of the last version that was live
    revision int not null default 0,
    chunks int not null default 0,
    added_by text not null default '',
    created timestamptz not null default now(),
    changed timestamptz not null default now(),
    primary key (workspace, id),
    unique (workspace, name),
    unique (workspace, collection, source),
    foreign key (workspace, collection) references vocero.collection on delete cascade,
    check (state <> 'failed' or reason <> ''),
    check (state not in ('queued', 'running') or deadline is not null)
);
create index on vocero.document (deadline) where state in ('queued', 'running');

-- Scripts without spaces between words have no lexemes for PostgreSQL's parser: each run of them is one token there.
-- Overlapping pairs of characters are the honest fallback (Han, kana, Hangul, Thai, Lao, Burmese, Khmer).
create function vocero.to_pairs(body text) returns text
language sql immutable strict parallel safe set search_path = pg_catalog
return (
    with letter as (
        select mark, place, mark ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f]' as dense
        from string_to_table(body, null) with ordinality as t(mark, place)
    ), pair as (
        select place, mark, dense, lead(mark) over w as next, coalesce(lead(dense) over w, false) as followed,
            coalesce(lag(dense) over w, false) as preceded
        from letter window w as (order by place)
    )
    select coalesce(string_agg(case when followed then mark || next else mark end, ' ' order by place), '')
    from pair where dense and (followed or not preceded)
);

create function vocero.to_words(language regconfig, body text) returns tsvector
language plpgsql immutable strict parallel safe set search_path = pg_catalog
as $$
declare
    dense constant text := '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f]+';
begin
    if body !~ dense then
        return to_tsvector(language, body);
    end if;
    return to_tsvector(language, regexp_replace(body, dense, ' ', 'g')) || to_tsvector('simple', vocero.to_pairs(body));
end $$;

create function vocero.to_index(language regconfig, title text, path text[], body text) returns tsvector
language sql immutable strict parallel safe set search_path = pg_catalog
return setweight(vocero.to_words(language, title), 'A')
    || setweight(vocero.to_words(language, array_to_string(path, ' ')), 'B')
    || vocero.to_words(language, body);

create table vocero.data_chunk (
    workspace int not null,
    id bigint generated always as identity primary key,
    node_id text not null,  -- DOCUMENT.REVISION#N
    collection int not null,
    document bigint not null,
    revision int not null,
    place int not null,  -- reading order, from 0
    text text not null,
    title text not null,
    path text[] not null default '{}',  -- the headings above, outermost first
    anchor text not null default '',
    language regconfig not null,
    text_sha bytea not null,  -- of what was embedded
    metadata_ jsonb not null default '{}',
    text_search_tsv tsvector generated always as (vocero.to_index(language, title, path, text)) stored,
    unique (workspace, node_id),
    unique (workspace, document, place),
    foreign key (workspace, document) references vocero.document on delete cascade
) with (toast_tuple_target = 8160);  -- a chunk stays in its page: TOAST made scans 2-4 times dearer
create index on vocero.data_chunk (workspace, collection);
create index on vocero.data_chunk using gin (text_search_tsv);

-- In how many chunks of the workspace a word stands: the rarity that weighs full text. Kept in the replacing transaction.
create table vocero.lexeme_count (
    workspace int not null references vocero.workspace on delete cascade,
    word text not null,
    chunks int not null,
    primary key (workspace, word)
) with (fillfactor = 80);

-- Vectors of texts seen before, so that an edited document is embedded only where it changed.
create table vocero.embedding_cache (
    workspace int not null references vocero.workspace on delete cascade,
    model int not null references vocero.embedding_model,
    text_sha bytea not null,
    embedding halfvec not null,
    document bigint,  -- who needed it last; forgetting the document takes what no one else uses
    primary key (workspace, model, text_sha)
);

-- What was forgotten and must stay away: digests only, no name and no text.
create table vocero.tombstone (
    workspace int not null references vocero.workspace on delete cascade,
    source_sha bytea not null,
    content_sha bytea,
    forgotten timestamptz not null default now(),
    primary key (workspace, source_sha)
);
create index on vocero.tombstone (workspace, content_sha);

create table vocero.answer_log (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    name text not null,
    person text not null default '',
    conversation text not null default '',
    outcome text not null,
    arm text not null,
    mode text not null,
    model text,
    adapter text,
    cached boolean not null,
    language text not null,
    documents text[] not null default '{}',
    chunks text[] not null default '{}',
    timings jsonb not null default '{}',
    created timestamptz not null default now(),
    primary key (workspace, id),
    unique (workspace, name)
);

create table vocero.gap (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    scopes text[] not null,
    person text not null default '',
    conversation text not null default '',
    question text not null,
    filled_by text,  -- the document that answers it
    created timestamptz not null default now(),
    primary key (workspace, id)
);

create table vocero.audit (
    workspace int not null references vocero.workspace on delete cascade,
    id bigint generated always as identity,
    action text not null,
    object text not null,
    person text not null default '',
    detail jsonb not null default '{}',
    created timestamptz not null default now(),
    primary key (workspace, id)
);
