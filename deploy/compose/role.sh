#!/bin/sh
# The bot's plain role; run once, when the database is made. `vocero migrate` gives it its rights on rows.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="$VOCERO_DATABASE_PASSWORD" <<'SQL'
create role vocero login password :'password' nosuperuser nocreatedb nocreaterole nobypassrls;
SQL
