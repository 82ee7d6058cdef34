#!/usr/bin/env bash
# Makes the users, roles, profiles and quotas of roles.sql, with passwords from /run/secrets. Running it again sets them anew.
# Usage: apply-roles.sh HOST SECURE_PORT CLUSTER
set -euo pipefail
host=${1:?usage: apply-roles.sh HOST SECURE_PORT CLUSTER} port=${2:?port} cluster=${3:?cluster}
secret() { cat "/run/secrets/$1"; }
hash() { printf %s "$(secret "$1")" | sha256sum | cut -d' ' -f1; }
# The client reads its own password from the environment, so that no process list shows it; the users' are given as hashes.
CLICKHOUSE_PASSWORD=$(secret clickhouse_admin)
export CLICKHOUSE_PASSWORD
cat > /tmp/client.xml <<XML
<config><openSSL><client><caConfig>/run/secrets/ca.crt</caConfig><verificationMode>strict</verificationMode><loadDefaultCAFile>false</loadDefaultCAFile></client></openSSL></config>
XML
exec clickhouse-client --config-file /tmp/client.xml --secure --host "$host" --port "$port" --user admin --multiquery \
  --param_cluster "$cluster" \
  --param_migrator "$(hash clickhouse_migrator)" --param_writer "$(hash clickhouse_writer)" --param_auditor "$(hash clickhouse_auditor)" \
  --param_examiner "$(hash clickhouse_examiner)" --param_evidence "$(hash clickhouse_evidence)" \
  --queries-file "$(dirname "$0")/roles.sql"
