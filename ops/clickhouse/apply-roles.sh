#!/usr/bin/env bash
# Makes the users, roles, profiles and quotas of roles.sql, with passwords from /run/secrets. Running it again changes nothing.
# Access entities are kept in Keeper (server.xml), so every node has them.
# Usage: apply-roles.sh HOST SECURE_PORT
set -euo pipefail
host=${1:?usage: apply-roles.sh HOST SECURE_PORT} port=${2:?port}
secret() { cat "/run/secrets/$1"; }
hash() { printf %s "$(secret "$1")" | sha256sum | cut -d' ' -f1; }
# The client reads its own password from the environment, so that no process list shows it; the users' are given as hashes.
CLICKHOUSE_PASSWORD=$(secret clickhouse_admin)
export CLICKHOUSE_PASSWORD
cat > /tmp/client.xml <<XML
<config><openSSL><client><caConfig>/run/secrets/ca.crt</caConfig><verificationMode>strict</verificationMode><loadDefaultCAFile>false</loadDefaultCAFile></client></openSSL></config>
XML
# roles.sql names the place of each hash: <sha256 of the password of [the] NAME>.
sql=$(cat "$(dirname "$0")/roles.sql")
for name in migrator writer retention eraser auditor examiner evidence; do
  sql=$(sed "s/<sha256 of the password of \(the \)\{0,1\}$name>/$(hash "clickhouse_$name")/" <<<"$sql")
done
! grep -q "BY '<sha256 of" <<<"$sql" || { echo "apply-roles: roles.sql names a user this script does not know" >&2; exit 1; }
cat > /tmp/roles.sql <<<"$sql"
exec clickhouse-client --config-file /tmp/client.xml --secure --host "$host" --port "$port" --user admin --queries-file /tmp/roles.sql
