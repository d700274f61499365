-- How sure the bot must be before it answers, where a workspace has measured that on its own questions: the strength an
-- answer needs, on how many questions it was found, and which share of the answerable ones it answers and of the others
-- it refuses. Without a row the bar is the default.

create table vocero.bar (
    workspace int primary key references vocero.workspace on delete cascade,
    least float8 not null check (least between 0 and 1),
    n int not null,
    answered float8 not null,
    refused float8 not null,
    changed_by text not null default '',
    changed timestamptz not null default now()
);

alter table vocero.bar enable row level security;
alter table vocero.bar force row level security;
create policy own on vocero.bar using (workspace = (select vocero.current_workspace()));
