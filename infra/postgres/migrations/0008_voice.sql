-- The voices: adapters that a workspace has promoted, at most one of them live. The files lie where the model is served;
-- here stands what they are, and who said that they may speak.

create table vocero.adapter (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,
    arm text not null check (arm in ('finetuned', 'hybrid', 'raft')),
    base_sha256 text not null,
    dataset_sha256 text not null,
    sha256 text not null,
    state text not null default 'candidate' check (state in ('candidate', 'live', 'withdrawn')),
    manifest jsonb not null,
    trained_on text[] not null default '{}',  -- the examples' ids: what must be forgotten withdraws it
    changed_by text not null default '',
    created timestamptz not null default now(),
    changed timestamptz not null default now(),
    primary key (workspace, name)
);
create unique index on vocero.adapter (workspace) where state = 'live';

alter table vocero.adapter enable row level security;
alter table vocero.adapter force row level security;
create policy own on vocero.adapter using (workspace = (select vocero.current_workspace()));
