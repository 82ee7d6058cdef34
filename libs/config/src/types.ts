import type { ProtocolName } from './protocols.js';

/** The validated configuration, as the rest of the product sees it. Durations are milliseconds, sizes bytes. */
export interface AffiantConfig {
  readonly server: ServerConfig;
  readonly identity: IdentityConfig;
  readonly connections: readonly ConnectionConfig[];
  readonly policies: readonly PolicyConfig[];
  readonly patterns: readonly PatternConfig[];
  readonly ledger: LedgerConfig;
  readonly retention: RetentionConfig;
  readonly holds: HoldsConfig;
  readonly erasure: ErasureConfig;
  readonly sealing: SealingConfig;
  readonly unseal: UnsealConfig;
  readonly journal: JournalConfig;
  readonly approvals: ApprovalsConfig;
  readonly institution: string;
  readonly siem: SiemConfig;
  /** Id of the journal this process writes. */
  readonly source?: string;
  /** The sections below make distributed mode; a service names what it lacks. */
  readonly kafka?: KafkaConfig;
  readonly schema_registry?: SchemaRegistryConfig;
  readonly clickhouse?: ClickHouseConfig;
  readonly postgres?: PostgresConfig;
  readonly redis?: RedisConfig;
  readonly object_store?: ObjectStoreConfig;
  /** Of the witness service alone. */
  readonly witness?: WitnessConfig;
}

export interface ServerConfig {
  /** Loopback unless configured otherwise. */
  readonly host: string;
  /** 0 = any free port. */
  readonly gateway_port: number;
  readonly console_port: number;
  readonly issuer_port: number;
  readonly metrics_port: number;
  readonly body_limit: number;
  readonly drain_timeout: number;
}

export interface IdentityConfig {
  readonly issuers: readonly IssuerConfig[];
  readonly service_keys: readonly ServiceKeyConfig[];
  /** Built-in development issuer, loopback only. */
  readonly development_issuer: boolean;
  readonly clock_tolerance: number;
}

export interface IssuerConfig {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly groups_claim: string;
  /** Pinned JWKS address; by default the one OIDC discovery names. */
  readonly jwks_uri?: string;
  readonly algorithms: readonly string[];
}

export interface ServiceKeyConfig {
  readonly name: string;
  /** `sha256:<hex>` of the key. */
  readonly hash: string;
  readonly groups: readonly string[];
  /** ISO 8601. */
  readonly expires: string;
}

export type SecretRef = { readonly env: string } | { readonly file: string };

export interface ConnectionConfig {
  readonly name: string;
  readonly protocol: ProtocolName;
  readonly upstream: string;
  readonly credential: SecretRef;
  /** How the credential is sent upstream. */
  readonly credential_header: 'x-api-key' | 'authorization';
  /** `group:<name>` or `subject:<sub>`; empty list = nobody. */
  readonly allow: readonly string[];
  /** `replicated`: evidence counts as durable only when all replicas of the event log have acknowledged it. */
  readonly durability: 'local' | 'replicated';
  /** Whether a call may make the provider keep an answer, or go on from content it keeps (docs/reference/gateway.md). Read by protocol openai. */
  readonly provider_state: 'refuse' | 'allow';
}

export type PolicyAction = 'allow' | 'mask' | 'hold' | 'block';

/** One entry of `policies:`; see docs/guide/write-a-policy.md. */
export interface PolicyConfig {
  readonly name: string;
  /** Restrict to these connections; absent = all. */
  readonly connections?: readonly string[];
  /** Restrict to these principals (`group:`/`subject:`); absent = all. */
  readonly principals?: readonly string[];
  /** Entity types or pattern names; used with request/response/tool_input. */
  readonly detect?: readonly string[];
  /** With detect: candidates below this score (0..1) are left alone; default 0.4. */
  readonly min_score?: number;
  /** With detect: values that are left alone, however they are spaced. */
  readonly except?: readonly string[];
  /** With detect: RE2 expressions; what one matches as a whole is left alone. */
  readonly except_regex?: readonly string[];
  readonly request?: PolicyAction;
  readonly response?: PolicyAction;
  /** For detected values in a tool call's input; default block (masking changes what is executed). */
  readonly tool_input?: PolicyAction;
  /** With `request: mask`: where in the answer the caller gets the values back that this very request brought. */
  readonly restore?: readonly RestorePlace[];
  /** With detect: what is masked is also kept, sealed. Default: it is not kept. */
  readonly keep_original?: 'sealed';
  /** All given conditions must match (RE2 syntax). */
  readonly when?: PolicyCondition;
  readonly action?: PolicyAction;
  readonly approvers?: ApproversConfig;
}

/** Where a value that was masked in a request may be given back. */
export type RestorePlace = 'text' | 'tool_input';

export interface PolicyCondition {
  readonly request_text?: string;
  readonly response_text?: string;
  readonly tool_input?: string;
  /** Name of the tool called by the model, or offered in the request. */
  readonly tool?: string;
  readonly model?: string;
  /** `group:<name>` or `subject:<sub>`. */
  readonly principal?: string;
}

export interface ApproversConfig {
  readonly group: string;
  readonly quorum: number;
  readonly not: 'requester';
  readonly expires: number;
}

export interface PatternConfig {
  readonly name: string;
  /** RE2 syntax; linear time. Either this or `words`. */
  readonly regex?: string;
  /** Found as whole words. */
  readonly words?: readonly string[];
  /** Of `words`. */
  readonly case_sensitive?: boolean;
  /** Words near the match that must be there; absent = none needed. */
  readonly context?: readonly string[];
}

/** Where the key of the log is kept (docs/reference/signers.md). */
export type SignerConfig =
  | { readonly kind: 'file'; readonly passphrase?: SecretRef }
  | {
      readonly kind: 'pkcs11';
      readonly module: string;
      readonly token: string;
      readonly label: string;
      readonly pin: SecretRef;
      readonly tool: string;
      readonly environment: readonly string[];
      readonly timeout: number;
    }
  | {
      readonly kind: 'kms';
      readonly endpoint?: string;
      readonly region: string;
      readonly key_id: string;
      readonly access_key_id: SecretRef;
      readonly secret_access_key: SecretRef;
      readonly session_token?: SecretRef;
      readonly timeout: number;
    };

/** Where the key-encryption key of sealed content is kept: the one that wraps, and those that wrapped before it. */
export interface SealingConfig {
  readonly key: KeyEncryptionKeyConfig;
  readonly previous_keys: readonly KeyEncryptionKeyConfig[];
  /** Names of those that are lost for good. */
  readonly lost_keys: readonly string[];
}

export type KeyEncryptionKeyConfig = Extract<SignerConfig, { readonly kind: 'file' | 'kms' }>;

export interface LedgerConfig {
  readonly origin: string;
  readonly signer: SignerConfig;
  /** While a rotation overlaps. */
  readonly previous_signer?: SignerConfig;
  readonly checkpoint_interval: number;
  /** Milliseconds a range of a source may be missing before it is recorded. */
  readonly gap_after: number;
  /** Milliseconds a request may be sealed without a response before the ledger says so. */
  readonly abort_after: number;
  readonly witnesses: WitnessesConfig;
  readonly timestamps: TimestampsConfig;
  readonly query_max_execution_time: number;
  readonly query_max_result_rows: number;
  readonly query_max_result_bytes: number;
  /** Groups that may query, and as which role. */
  readonly auditors: readonly string[];
  readonly examiners: readonly string[];
}

/** Whose time stamps our checkpoints get. */
export interface TimestampsConfig {
  /** Empty: nobody stamps. `root`: path of a PEM file. */
  readonly authorities: readonly { readonly name: string; readonly url: string; readonly root: string }[];
  readonly interval: number;
  readonly renew_before: number;
  readonly timeout: number;
}

/** Who cosigns our checkpoints. */
export interface WitnessesConfig {
  /** Empty: nobody does. */
  readonly members: readonly { readonly name: string; readonly url: string; readonly vkey: string }[];
  /** Default: more than half. */
  readonly quorum?: number;
  readonly interval: number;
  readonly timeout: number;
}

export interface WitnessConfig {
  /** Key name of its cosignatures. */
  readonly name: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly logs: readonly { readonly origin: string; readonly vkey: string }[];
}

/** Milliseconds; absent = for ever. */
export interface RetentionConfig {
  readonly content?: number;
  readonly decisions?: number;
  readonly check_every: number;
}

/** Groups that may place a hold, and that may release one. */
export interface HoldsConfig {
  readonly place: readonly string[];
  readonly release: readonly string[];
}

export interface JournalConfig {
  readonly segment_bytes: number;
  /** Above this many un-acknowledged bytes calls are refused. */
  readonly high_water_bytes: number;
}

export interface ApprovalsConfig {
  /** Wait silently this long before the first keep-alive, so that a quick denial is a clean 403. */
  readonly silent: number;
  readonly keep_alive: number;
  /** Longest time an open connection waits. */
  readonly max_wait: number;
  /** How long a decision stays good for a retry after the client left. */
  readonly retry_window: number;
}

export interface TlsConfig {
  readonly ca?: SecretRef;
  readonly certificate?: SecretRef;
  readonly key?: SecretRef;
}

export interface LoginConfig {
  readonly user: string;
  readonly password: SecretRef;
}

export interface KafkaConfig {
  /** host:port */
  readonly brokers: readonly string[];
  readonly client_id: string;
  readonly tls?: TlsConfig;
  readonly sasl?: LoginConfig & { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' };
  readonly topics: KafkaTopicsConfig;
  readonly resend_after: number;
}

/** Groups. */
export interface ErasureConfig {
  readonly request: readonly string[];
  readonly approve: readonly string[];
}

export interface UnsealConfig {
  readonly request: readonly string[];
  readonly approve: readonly string[];
  /** Milliseconds a request waits for an answer. */
  readonly expires: number;
  /** Of the file of the private key. */
  readonly passphrase?: SecretRef;
  /** Milliseconds after the approval in which the values may be fetched. */
  readonly window: number;
}

export interface KafkaTopicsConfig {
  readonly partitions: number;
  readonly replication_factor: number;
  readonly min_insync_replicas: number;
  readonly retention: number;
}

export interface SchemaRegistryConfig {
  readonly url: string;
  readonly login?: LoginConfig;
}

export interface ClickHouseConfig {
  readonly url: string;
  readonly cluster?: string;
  readonly writer: LoginConfig;
  readonly migrator?: LoginConfig;
  readonly retention?: LoginConfig;
  readonly eraser?: LoginConfig;
  readonly auditor: LoginConfig;
  readonly examiner: LoginConfig;
  readonly evidence: LoginConfig;
  readonly headers?: Readonly<Record<string, SecretRef>>;
}

export interface PostgresConfig {
  readonly url: SecretRef;
  readonly pool: number;
}

export interface RedisConfig {
  readonly url: SecretRef;
}

export interface ObjectStoreConfig {
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly access_key_id: SecretRef;
  readonly secret_access_key: SecretRef;
  readonly path_style: boolean;
  /** Milliseconds that object lock keeps an object. */
  readonly retain: number;
}

export interface SiemConfig {
  readonly syslog?: { readonly address: string; readonly tls?: TlsConfig };
  readonly splunk_hec?: { readonly url: string; readonly token: SecretRef; readonly channel: string; readonly tls?: TlsConfig };
}
