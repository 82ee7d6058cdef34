/** What a code means to a caller and to an operator. `docs/reference/errors.md` is checked against this table. */
export interface ErrorSpec {
  /** HTTP status where the error reaches a client. */
  readonly status: number;
  readonly meaning: string;
  readonly remedy: string;
}

const spec = (status: number, meaning: string, remedy: string): ErrorSpec => ({ status, meaning, remedy });

/** The closed union of error codes. */
export const ERROR_CODES = {
  config_invalid: spec(500, 'The configuration cannot be used.', 'Mend the named line and column.'),
  config_secret_missing: spec(500, 'A referenced secret (env or file) is not there.', 'Set the variable or create the file.'),
  usage_invalid: spec(400, 'A command or API call has wrong arguments.', 'See --help or docs/reference/api.md.'),
  instance_unreachable: spec(
    503,
    'No running instance was found or it does not answer.',
    'Start it with `npm start`, or name its --state directory.',
  ),
  state_locked: spec(500, 'Another process uses this state directory.', 'Stop the other process, or use another --state directory.'),
  not_found: spec(404, 'There is no such thing.', 'List what there is first.'),
  conflict: spec(409, 'It was changed or decided by someone else meanwhile.', 'Read it again, then decide.'),

  token_missing: spec(401, 'The call carries no credential.', 'Send an OIDC access token as Bearer or x-api-key.'),
  token_invalid: spec(401, 'The token does not verify.', 'Get a new token from the configured issuer.'),
  token_expired: spec(401, 'The token has expired.', 'Refresh the token and try again.'),
  token_conflict: spec(
    401,
    'Authorization and x-api-key carry different credentials.',
    'Send one credential, or the same in both headers.',
  ),
  issuer_unavailable: spec(503, 'The keys of the token issuer cannot be read.', 'Check that the issuer answers; try again.'),
  auth_throttled: spec(429, 'Too many failed authentications from this address.', 'Wait, then send a valid token.'),

  path_denied: spec(403, 'The path is not one this connection serves.', 'Use a path listed in docs/reference/gateway.md.'),
  connection_unknown: spec(404, 'There is no connection of that name.', 'Use /c/<name> with a configured connection.'),
  connection_denied: spec(403, 'The principal may not use this connection.', 'Ask for membership of a group the connection allows.'),
  upgrade_denied: spec(403, 'Protocol upgrades are not served.', 'Use plain HTTP with server-sent events.'),
  policy_blocked: spec(403, 'A policy blocks this call.', 'Remove what the policy names, or ask its owner.'),
  approval_denied: spec(403, 'An approver denied this call.', 'Read the reason; change the call.'),
  approval_expired: spec(403, 'Nobody approved the call in time.', 'Send it again when an approver is at hand.'),
  approval_pending: spec(429, 'The call waits for an approver.', 'Try again; the retry joins the pending approval.'),
  approval_forbidden: spec(
    403,
    'This person may not decide this approval.',
    'Ask a member of the approver group who is not the requester.',
  ),
  approval_reason_missing: spec(400, 'A decision needs a reason.', 'Give --reason.'),

  hold_forbidden: spec(403, 'This person may not place or release this hold.', 'Ask a member of the group, who did not place it.'),
  erasure_forbidden: spec(
    403,
    'This person may not request, approve or withdraw this erasure.',
    'Ask a member of the group; who requested it does not approve it.',
  ),

  body_too_large: spec(413, 'The body is larger than the limit.', 'Send less than 32 MB.'),
  body_invalid: spec(400, 'The body is not what the protocol expects.', 'Send well-formed UTF-8 JSON without duplicate keys.'),
  stream_invalid: spec(502, 'The upstream stream cannot be parsed.', 'Try again; look at the upstream.'),
  upstream_unreachable: spec(502, 'The upstream cannot be reached.', 'Check the connection in the configuration.'),
  upstream_timeout: spec(504, 'The upstream did not answer in time.', 'Try again.'),
  detector_failed: spec(500, 'A detector failed, so the call was refused.', 'Look at the log; the call was not forwarded.'),
  policy_failed: spec(500, 'A policy could not be evaluated, so the call was refused.', 'Look at the log; run `affiant policy check`.'),
  overloaded: spec(529, 'A bounded queue is full.', 'Try again with back-off.'),
  draining: spec(503, 'The gateway is shutting down.', 'Try again at another instance, or after the restart.'),

  journal_full: spec(503, 'The journal is at its high-water mark.', 'Bring the ledger back, or add disk.'),
  journal_corrupt: spec(500, 'The journal is damaged before its tail.', 'Keep the file; see docs/guide/recover.md.'),
  journal_failed: spec(503, 'The journal cannot be written.', 'Check disk space and permissions.'),
  journal_locked: spec(500, 'Another writer holds the journal.', 'Stop the other process.'),
  event_invalid: spec(500, 'An event cannot be encoded or decoded.', 'See the dead-letter topic.'),
  replication_timeout: spec(
    503,
    'The event log did not acknowledge the evidence in time, and the connection demands it.',
    'Bring Kafka back; or let the connection be `durability: local`.',
  ),
  event_log_failed: spec(503, 'The event log failed.', 'Check the broker or the journal.'),

  engine_failed: spec(503, 'The ledger engine does not answer.', 'Look at the engine log in the state directory.'),
  ledger_conflict: spec(
    500,
    'The ledger holds something else than the journal says. The sequencer halted.',
    'Keep everything; see docs/guide/recover.md.',
  ),
  query_refused: spec(403, 'The query is not one a reader may run.', 'Use SELECT on the audit views.'),
  query_failed: spec(400, 'The query failed.', 'Mend the query; the engine says where.'),
  query_limit: spec(429, 'The query ran into a limit.', 'Narrow the period or the columns.'),

  note_invalid: spec(400, 'A signed note is malformed or its signature does not verify.', 'Get the note again; compare the key.'),
  quorum_unmet: spec(
    409,
    'Fewer witnesses than the trust policy asks for have cosigned.',
    'Get the note again later; see docs/guide/run-a-witness.md.',
  ),
  timestamp_invalid: spec(400, 'A time stamp does not verify.', 'Compare the pinned root; see docs/guide/time-stamps.md.'),
  timestamp_unavailable: spec(
    503,
    'A time stamp authority does not answer, or refuses.',
    'Check ledger.timestamps; nothing else waits for it.',
  ),
  witness_failed: spec(503, 'A witness does not cosign. Sealing goes on.', 'Look at `affiant status`; see ops/runbooks/NoQuorum.md.'),
  proof_invalid: spec(400, 'A Merkle proof does not lead to the root.', 'Treat the cited record as altered.'),
  key_invalid: spec(400, 'A key is malformed.', 'Give the key in the documented form.'),
  unseal_forbidden: spec(
    403,
    'You may not request, approve or open sealed originals, or not these.',
    'Ask who may: unseal.request and unseal.approve in the configuration.',
  ),
  content_key_failed: spec(
    503,
    'A key that seals content cannot be had, or does not open what it should.',
    'Bring the catalogue back; compare keys/content.key with its backup.',
  ),
  signer_failed: spec(
    503,
    'The keeper of a signing key does not answer, or its answer does not verify.',
    'Bring the token or KMS back; the ledger seals when it answers.',
  ),

  packet_invalid: spec(400, 'A packet does not verify.', 'Treat it as altered; ask for a new copy.'),
  packet_refused: spec(409, 'A packet cannot be made for that period.', 'Read the gate that refused it.'),
  packet_failed: spec(500, 'The packet job failed.', 'Run it again; see `affiant packet show`.'),
  catalogue_failed: spec(503, 'The catalogue does not answer.', 'Check PostgreSQL, or the state directory.'),
  registry_failed: spec(503, 'The schema registry does not answer, or refuses.', 'Check schema_registry.url; recording does not need it.'),
  siem_failed: spec(503, 'A SIEM sink does not take records. It lags; nothing is lost.', 'Look at `affiant status`; check the receiver.'),
  job_queue_failed: spec(503, 'The job queue does not answer.', 'Check Redis; the work goes on when it is back.'),
  object_store_failed: spec(503, 'The object store does not answer.', 'Check the object store; try again.'),
  internal: spec(500, 'Something went wrong inside.', 'Look at the log; nothing was forwarded unrecorded.'),
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERROR_CODES;
