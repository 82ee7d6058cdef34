#!/usr/bin/env bash
# Runs once, when the data directory of docker-compose.yml's PostgreSQL is made: one database and one login for the catalogue, one each for the
# schema registry. Neither is a superuser.
set -euo pipefail
make() {
  psql -v ON_ERROR_STOP=1 --username postgres -v name="$1" -v password="$(cat "/run/secrets/$2")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}
make affiant postgres_affiant
make registry postgres_registry
