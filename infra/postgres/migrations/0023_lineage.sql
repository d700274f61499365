-- Where an imported example comes from and what is known of its answer: what is exported is what was imported.

alter table vocero.example
    add column if not exists source text not null default '',  -- the document that answers it, as the import named it
    add column if not exists origin text not null default '',  -- the text it was taken from, with its digest: one side of the split
    add column if not exists facts jsonb not null default '[]',  -- what a right answer contains, each as its accepted spellings
    add column if not exists answerable boolean;  -- null: not known
