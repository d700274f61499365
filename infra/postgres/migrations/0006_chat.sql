-- What chat platforms keep beside the answers: settings of rooms, what was shown for which message, verdicts, examples,
-- and the installations with their encrypted tokens.

create table vocero.room (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,  -- the platform's key of a channel, such as slack/T1/C2
    settings jsonb not null default '{}',
    changed_by text not null default '',
    changed timestamptz not null default now(),
    primary key (workspace, name)
);

create table vocero.exchange (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,  -- what buttons carry
    message text not null,  -- the platform's key of the question
    conversation text not null,
    person text not null,
    posts text[] not null default '{}',  -- where the answer stands
    outcome text not null default '',
    escalated timestamptz,
    created timestamptz not null default now(),
    primary key (workspace, name),
    unique (workspace, message)
);
create index on vocero.exchange (workspace, conversation);
create index on vocero.exchange (workspace, person, created);

create table vocero.feedback (
    workspace int not null,
    exchange text not null,
    person text not null,
    good boolean not null,
    created timestamptz not null default now(),
    primary key (workspace, exchange, person),
    foreign key (workspace, exchange) references vocero.exchange on delete cascade
);

create table vocero.example (
    workspace int not null references vocero.workspace on delete cascade,
    name text not null,
    question text not null,
    answer text not null,
    passages jsonb not null default '[]',  -- document, chunk, title, text: its lineage
    conversation text not null default '',
    approved_by text not null,
    created timestamptz not null default now(),
    primary key (workspace, name)
);

create table vocero.installation (
    workspace int not null references vocero.workspace on delete cascade,
    app text not null,
    secret bytea not null,  -- the platform's answer with its tokens, encrypted; the key is never in the database
    installed timestamptz not null default now(),
    primary key (workspace, app)
);

-- One-time states of installs under way; they belong to no team yet, so to the workspace named like the platform.
create table vocero.install_state (
    workspace int not null references vocero.workspace on delete cascade,
    state_sha bytea not null,
    expires timestamptz not null,
    primary key (workspace, state_sha)
);

do $$
declare
    name text;
begin
    foreach name in array array['room', 'exchange', 'feedback', 'example', 'installation', 'install_state'] loop
        execute format('alter table vocero.%I enable row level security', name);
        execute format('alter table vocero.%I force row level security', name);
        execute format('create policy own on vocero.%I using (workspace = (select vocero.current_workspace()))', name);
    end loop;
end $$;
