#!/usr/bin/env bash
# Backup and restore of the catalogue (PostgreSQL) of distributed mode. The URL comes from a file, so that no process list shows a password.
#   catalogue.sh backup  URLFILE OUT.dump      while the services run: pg_dump reads one snapshot
#   catalogue.sh restore URLFILE IN.dump       into an EMPTY database, services stopped
# Approvals and packets can also be rebuilt from the event log. The row that says how far the ledger is sealed cannot be rolled back:
# docs/guide/back-up-and-restore.md says what goes with what.
set -euo pipefail
usage() { sed -n '2,4p' "$0" >&2; exit 2; }
[ $# -eq 3 ] || usage
url=$(cat "$2")
# libpq takes the URL from a connection service file of our own, readable by us only.
service=$(mktemp); trap 'rm -f "$service"' EXIT
node -e '
  const u = new URL(process.argv[1]);
  const v = { host: decodeURIComponent(u.hostname), port: u.port || "5432", dbname: decodeURIComponent(u.pathname.slice(1)), user: decodeURIComponent(u.username), password: decodeURIComponent(u.password), sslmode: u.searchParams.get("sslmode") ?? undefined };
  console.log("[affiant]\n" + Object.entries(v).filter(([, x]) => x !== undefined && x !== "").map(([k, x]) => k + "=" + x).join("\n"));
' "$url" > "$service"
export PGSERVICEFILE=$service PGSERVICE=affiant
case $1 in
  backup)
    [ ! -e "$3" ] || { echo "catalogue: $3 is there already" >&2; exit 1; }
    (umask 077; pg_dump --format=custom --no-owner --no-privileges --file="$3.unfinished")
    mv "$3.unfinished" "$3"
    ;;
  restore)
    tables=$(psql -XAtc "select count(*) from information_schema.tables where table_schema = 'public'")
    [ "$tables" = 0 ] || { echo "catalogue: the database is not empty ($tables tables); restore into a new one" >&2; exit 1; }
    pg_restore --no-owner --no-privileges --exit-on-error --single-transaction --dbname="service=affiant" "$3"
    ;;
  *) usage ;;
esac
