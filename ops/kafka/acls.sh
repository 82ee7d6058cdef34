#!/usr/bin/env bash
# Rights on the topics of Affiant: an example to copy, and the job `kafka-acls` of docker-compose.yml. Running it again changes nothing.
# Usage: acls.sh BOOTSTRAP ADMIN.properties   (KAFKA_HOME: where bin/kafka-acls.sh is; default /opt/kafka)
#
# One principal for all four services here. With one per service: proxy, evidence and console need Write on the topics and Read on
# affiant.checkpoint.v1; ledger needs Read on all of them and its groups; only the ledger writes affiant.checkpoint.v1, affiant.ocsf.v1 and
# affiant.dead-letter.v1. A broker checks who may write, not what: the chain of each source in its events is what shows a forged one.
set -euo pipefail
bootstrap=${1:?usage: acls.sh BOOTSTRAP ADMIN.properties}
admin=${2:?usage: acls.sh BOOTSTRAP ADMIN.properties}
acls() { "${KAFKA_HOME:-/opt/kafka}/bin/kafka-acls.sh" --bootstrap-server "$bootstrap" --command-config "$admin" --add "$@"; }

# The services make the topics themselves (or the job `topics` does), write them and read them; nobody but the administrator deletes one.
acls --allow-principal User:affiant --resource-pattern-type prefixed --topic affiant. \
  --operation Create --operation Describe --operation DescribeConfigs --operation Read --operation Write
# Groups are named after what they do: ledger.ingest, siem.ocsf, <source>.trim.
acls --allow-principal User:affiant --group '*' --operation Read --operation Describe
acls --allow-principal User:affiant --cluster --operation Describe --operation DescribeConfigs

# A SIEM reads every topic under groups of its own and can do nothing else.
acls --allow-principal User:siem --resource-pattern-type prefixed --topic affiant. --operation Read --operation Describe
acls --allow-principal User:siem --resource-pattern-type prefixed --group siem- --operation Read --operation Describe
