// Generated from schemas/*.avsc by `npm run types:events`. Do not edit.

export type Sha256 = Buffer;

/** Who asks, as verified. Never taken from what a client merely asserts. */
export interface Principal {
  /** OIDC issuer, or affiant:service-key, or affiant:system */
  readonly issuer: string;
  readonly subject: string;
  /** user | workload | service_key | system */
  readonly kind: string;
  readonly groups: readonly string[];
  /** RFC 8693 act.sub: the agent that acts for the subject */
  readonly actor: null | string;
  /** Hex SHA-256 of jti (or of the token when it has none) */
  readonly token_digest: null | string;
  /** Microseconds since the Unix epoch */
  readonly token_expires_at: null | number;
  /** acr or amr as the issuer states it */
  readonly authenticated_by: null | string;
}

/** Head of every event. (source_id, seq) is dense and never reused; prev_hash chains the events of one source. */
export interface Envelope {
  /** UUIDv7, text form */
  readonly event_id: string;
  /** The journal that wrote the event */
  readonly source_id: string;
  /** Grows by one at every start of the source */
  readonly boot_epoch: number;
  /** Dense per source, starts at 1, goes on over restarts */
  readonly seq: number;
  /** SHA-256 of the exact framed bytes of this source's event seq-1; zeros for seq 1 */
  readonly prev_hash: Sha256;
  /** Microseconds since the Unix epoch, UTC */
  readonly occurred_at: number;
  /** Wall clock minus monotonic clock drift since start, microseconds */
  readonly clock_offset_us: number;
  /** Version of the program that wrote the event */
  readonly build: string;
  /** Correlation sent by the client (untrusted) or derived */
  readonly session_id: null | string;
  /** UUIDv7 of the exchange this event belongs to */
  readonly exchange_id: null | string;
  readonly principal: null | Principal;
  /** Name of the connection in the configuration */
  readonly connection: null | string;
}

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

export interface Segment {
  /** Digest of the content as it is stored: sealed, when the event names a key */
  readonly sha256: Sha256;
  /** Bytes of the masked content, before sealing */
  readonly bytes_length: number;
  readonly media_type: string;
  /** The masked content, sealed when the event names a key; null when an earlier event of the session carries it */
  readonly inline: null | Buffer;
}

export interface Mask {
  /** Entity type, e.g. us_ssn */
  readonly entity: string;
  /** Detector rule id with version */
  readonly rule: string;
  /** Policy that asked for it */
  readonly policy: string;
  readonly count: number;
}

export interface SealedOriginals {
  /** Id of the key of the session that seals them; it is wrapped under a public key, and opens nothing else */
  readonly key_id: string;
  /** How many values there are */
  readonly values: number;
  /** The list of values, sealed (docs/reference/topics.md) */
  readonly bytes: Buffer;
}

/** A masked body as an ordered list of segments. A segment already durable for the session is sent by digest alone. */
export interface Body {
  readonly segments: readonly Segment[];
  /** v2: and hex HMAC-SHA-256 (deployment key) of the SHA-256 of the original bytes; without v2: of earlier releases, of the bytes */
  readonly original_digest: null | string;
  /** Bytes before masking */
  readonly original_length: number;
  /** Bytes after masking */
  readonly masked_length: number;
  /** False when the stream ended early: the segments then hold what was received */
  readonly complete: boolean;
  readonly masks: readonly Mask[];
  /** Id of the key under which the inline segments of this event are sealed; null when they are not */
  readonly content_key: null | string;
  /** What was masked in the segments that are inline here or in segment events ahead, where policy keeps the originals */
  readonly sealed_originals: null | SealedOriginals;
}

/** affiant.request.v1: what a principal asked. Durable before the upstream hears anything. */
export interface Request {
  readonly envelope: Envelope;
  readonly protocol: string;
  /** e.g. messages, count_tokens, models, or denied for what never parsed */
  readonly operation: string;
  readonly method: string;
  /** Without the query */
  readonly path: string;
  readonly model: null | string;
  readonly stream: boolean;
  readonly tools: readonly string[];
  readonly user_agent: null | string;
  readonly client_address: null | string;
  /** Client-asserted headers that correlate (session, agent, parent agent, trace); never identity */
  readonly correlation: readonly NameValue[];
  /** Exchange whose decision this retry or non-stream twin joins */
  readonly joins_exchange: null | string;
  readonly body: Body;
}

/** Carries segments of a large body ahead of the event that cites them, so that no event outgrows a broker's message limit. */
export interface BodySegment {
  readonly envelope: Envelope;
  /** request | response */
  readonly direction: string;
  readonly segments: readonly Segment[];
  /** Id of the key under which these segments are sealed; null when they are not */
  readonly content_key: null | string;
}

export interface RuleHit {
  readonly policy: string;
  readonly action: string;
  /** Plain words; never a raw sensitive value */
  readonly reason: string;
}

export interface ApprovalStep {
  readonly approval_id: string;
  readonly approver_group: string;
  readonly quorum: number;
  /** Grants so far, this one included */
  readonly granted: number;
  /** Microseconds since the Unix epoch */
  readonly expires_at: number;
  readonly decided_by: null | Principal;
  readonly reason: null | string;
}

/** affiant.decision.v1: a verdict, or a step of an approval. Durable before it takes effect. */
export interface Decision {
  readonly envelope: Envelope;
  /** verdict | approval_requested | approval_granted | approval_denied | approval_expired | approval_released | approval_orphaned */
  readonly kind: string;
  /** identity | request | response */
  readonly phase: string;
  /** allow | mask | hold | block */
  readonly verdict: string;
  readonly rules: readonly RuleHit[];
  readonly policy_version: string;
  /** Hex SHA-256 of the published policy text */
  readonly policy_digest: string;
  /** Hex keyed digest of what was decided on: the body, or the tool input */
  readonly subject_digest: null | string;
  readonly approval: null | ApprovalStep;
}

export interface Chunk {
  /** Microseconds since the request's arrival */
  readonly at_us: number;
  /** Masked bytes handed to the client in this step */
  readonly bytes: number;
}

/** affiant.response.v1: how an exchange ended. Durable before the client gets the last byte. Exactly one per Request. */
export interface Response {
  readonly envelope: Envelope;
  /** completed | upstream_error | upstream_gone | stream_error | client_gone | refused | denied | expired | aborted */
  readonly outcome: string;
  /** HTTP status the client was sent; 0 when none */
  readonly status: number;
  readonly upstream_status: null | number;
  readonly upstream_request_id: null | string;
  readonly model: null | string;
  readonly stop_reason: null | string;
  readonly input_tokens: null | number;
  readonly output_tokens: null | number;
  readonly cache_read_tokens: null | number;
  readonly cache_creation_tokens: null | number;
  /** Names of the tools the model called */
  readonly tool_calls: readonly string[];
  /** Microseconds from the request's arrival to the first upstream byte */
  readonly first_byte_us: null | number;
  /** Microseconds from the request's arrival to this event */
  readonly duration_us: number;
  /** For replay; at most 1,024 steps, later ones merged into the last */
  readonly timeline: readonly Chunk[];
  readonly body: Body;
  readonly error_code: null | string;
  readonly error_message: null | string;
}

/** affiant.control.v1: start, stop, heartbeat, policy published, key and mode changes, holds, gaps, probes; every read, query, download. */
export interface Control {
  readonly envelope: Envelope;
  /** e.g. gateway.started, policy.published, ledger.queried, packet.created, identity.refused */
  readonly kind: string;
  /** success | failure */
  readonly outcome: string;
  /** The thing acted on: a packet id, a policy digest, a query id */
  readonly subject: null | string;
  readonly attributes: readonly NameValue[];
  /** Longer text, e.g. the query or the published policy */
  readonly detail: null | string;
}

export interface Frontier {
  readonly source_id: string;
  /** Every seq of the source up to this one is in the tree */
  readonly seq: number;
}

/** affiant.checkpoint.v1: a signed tree head and the frontier it covers. It acknowledges the sources: what it covers may be trimmed from their journals. */
export interface Checkpoint {
  readonly envelope: Envelope;
  readonly origin: string;
  readonly round: number;
  readonly tree_size: number;
  readonly root_hash: Sha256;
  /** C2SP tlog-checkpoint as a signed note */
  readonly note: string;
  readonly frontiers: readonly Frontier[];
}

/** affiant.dead-letter.v1: what could not be decoded, with the reason; never dropped. */
export interface DeadLetter {
  readonly envelope: Envelope;
  readonly topic: string;
  readonly partition: string;
  readonly offset: number;
  readonly code: string;
  readonly reason: string;
  readonly payload: Buffer;
}
