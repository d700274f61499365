-- Who may be learned from: where an example was said, and who agreed to learn from it although that was in private.

alter table vocero.example
    add column audience text[] not null default '{}',  -- the scopes of those who could read it where it was said
    add column private boolean not null default false,  -- a private channel, a direct message, an answer for one alone
    add column rejected text not null default '',  -- what the bot had said, where a person wrote a better answer
    add column consent text not null default '';  -- who agreed; without it nothing private is trained on

-- Of examples kept before, the place is not known: those of conversations wait for a consent, too.
update vocero.example set private = true where conversation not in ('', 'import');
