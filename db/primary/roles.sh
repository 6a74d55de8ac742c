#!/usr/bin/env bash
# Runs once, when the primary's data directory is made (docker-entrypoint-initdb.d): the three roles, the database
# and the extension that only a superuser may create. Tables are made later, by the migrations.
#
# In: DB_PASSWORD, REPLICATION_PASSWORD, MONITOR_PASSWORD. They are read by psql itself (\getenv), because an
# argument (-v) would show in the process list.
set -euo pipefail

: "${PGDATA:?is not set}" "${DB_PASSWORD:?is not set}"
: "${REPLICATION_PASSWORD:?is not set}" "${MONITOR_PASSWORD:?is not set}"

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres <<'SQL'
\getenv db_password DB_PASSWORD
\getenv replication_password REPLICATION_PASSWORD
\getenv monitor_password MONITOR_PASSWORD

-- The statements below hold passwords: neither a slow disk nor an error may write them to the log.
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;

CREATE ROLE sluice LOGIN PASSWORD :'db_password';
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication_password';
CREATE ROLE monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 6 IN ROLE pg_monitor;

-- Who waits longer than 5 s for a lock gives up and says so, instead of making a queue behind it: the ALTER TABLE of a
-- migration waits for a long reader, and every later reader waits for the ALTER TABLE.
ALTER ROLE sluice SET lock_timeout = '5s';
-- Statistics that take longer than a scrape are of no use.
ALTER ROLE monitor SET statement_timeout = '5s';

CREATE DATABASE sluice OWNER sluice;
REVOKE ALL ON DATABASE sluice FROM PUBLIC;
GRANT CONNECT ON DATABASE sluice TO monitor;

\connect sluice
CREATE EXTENSION pg_stat_statements;
SQL

# The last step of the first start: from here on the data is whole (db/primary/start).
rm -f "${PGDATA%/*}/unfinished"
