import type { ApprovalBook } from '#catalogue';
import type { ApprovalsConfig, ConnectionConfig, ServerConfig } from '#config';
import type { IssuingWrapper, KeyBook, KeyWrapper } from '#content-keys';
import type { Placeholder } from '#detect';
import type { ErrorCode } from '#errors';
import type { Clock, EventRecorder, Ids } from '#events';
import type { Identity } from '#identity';
import type { Logger } from '#observability';
import type { PolicySet } from '#policy';
import type { Protocol } from './protocols/protocol.js';

/** Port: the published policies. A set handed to `onChange` is recorded as policy.published before any decision names it. */
export interface PolicySource {
  current(): PolicySet;
  /** Returns the unsubscribe. */
  onChange(listener: (set: PolicySet) => void): () => void;
}

/** The stored credential as it is sent upstream, e.g. `{header: 'x-api-key', value: '…'}` or `{header: 'authorization', value: 'Bearer …'}`. */
export interface UpstreamCredential {
  readonly header: string;
  readonly value: string;
}

/**
 * Port: the stored credential of a connection. Asked once per forward: keep it cheap.
 * @throws AffiantError config_secret_missing
 */
export type CredentialSource = (connection: ConnectionConfig) => UpstreamCredential | Promise<UpstreamCredential>;

/** What the console shows of an exchange that ended. */
export interface ExchangeSummary {
  readonly id: string;
  readonly connection: string;
  readonly subject: string;
  readonly outcome: string;
  readonly status: number;
  /** Microseconds. */
  readonly duration_us: number;
}

/** Hooks of the composition root; all optional, none may throw. */
export interface StatusHooks {
  /** Asked by GET /readyz beside the gateway's own state. */
  readiness?(): { readonly ready: boolean; readonly reason?: string };
  exchangeEnded?(summary: ExchangeSummary): void;
  /** A client was given an error of ours instead of an answer, or its stream was ended with one. */
  refused?(code: ErrorCode): void;
}

/** Bounds of the data path. Sizes in bytes, durations in milliseconds. */
export interface GatewayLimits {
  /** All request bodies held at one time. */
  readonly bodies_in_flight: number;
  /** Calls served at one time. */
  readonly exchanges: number;
  /** One response, after masking. */
  readonly response_bytes: number;
  /** Masked answers kept for a retry, all together. */
  readonly kept_answers: number;
  /** Longest wait for the recorder; then the call is refused. */
  readonly record_timeout: number;
  /** Longest wait for a key to seal content with; then the call is refused. */
  readonly key_wait: number;
  /** A non-stream call waits silently this long for an approver, then is told to retry (research/wire.md §1.4). */
  readonly silent_wait: number;
  readonly upstream_connect_timeout: number;
  readonly upstream_head_timeout: number;
  readonly upstream_idle_timeout: number;
  readonly upstream_connections: number;
  /** Control events per second for refused identities and paths; the rest is counted into the next ones. */
  readonly refusal_events: number;
  readonly heartbeat: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  bodies_in_flight: 256 * 1024 * 1024,
  exchanges: 2048,
  response_bytes: 32 * 1024 * 1024,
  kept_answers: 64 * 1024 * 1024,
  record_timeout: 10_000,
  key_wait: 5_000,
  silent_wait: 240_000,
  upstream_connect_timeout: 10_000,
  upstream_head_timeout: 600_000,
  upstream_idle_timeout: 300_000,
  upstream_connections: 256,
  refusal_events: 10,
  heartbeat: 60_000,
};

/** What ProxyModule.register() is given: ready-made port instances. */
export interface ProxyOptions {
  readonly config: { readonly server: ServerConfig; readonly approvals: ApprovalsConfig };
  /** The connections in force; a new array (not a changed one) after each reload. */
  connections(): readonly ConnectionConfig[];
  readonly policySource: PolicySource;
  readonly identity: Identity;
  readonly recorder: EventRecorder;
  readonly approvals: ApprovalBook;
  readonly credentials: CredentialSource;
  /** Keys that seal content: issued to the catalogue before they are used. */
  readonly contentKeys: { readonly book: KeyBook; readonly wrapper: KeyWrapper };
  /** Keys that seal originals where policy keeps them; wrapped so that they do not open here. Not asked for anything while no policy does. */
  readonly originalKeys: { readonly book: KeyBook; readonly wrapper: IssuingWrapper };
  /** Key of original_digest and subject_digest (HMAC-SHA-256), 32 bytes. */
  readonly digestKey: Buffer;
  readonly placeholder: Placeholder;
  readonly protocols: readonly Protocol[];
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly hooks?: StatusHooks;
  readonly limits?: Partial<GatewayLimits>;
}
