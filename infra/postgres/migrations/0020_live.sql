-- Which voice speaks, asked before every answer: tell who is asking and ask, in one round trip.
create function vocero.live_voice(workspace text) returns table (name text, arm text, stems jsonb)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform set_config('vocero.workspace', workspace, true);
    return query select a.name, a.arm, a.manifest #> '{dataset,voice_stems}' from vocero.adapter a
        where a.workspace = vocero.current_workspace() and a.state = 'live';
end $$;
