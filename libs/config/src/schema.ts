import { z } from 'zod';
import { sealing, secret, signer, url } from './key-schema.js';
import { PROTOCOL_NAMES, PROTOCOLS } from './protocols.js';
import { duration, size } from './units.js';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 lower-case letters, digits, dots, dashes or underscores');
const group = z.string().min(1).max(128);
const who = z.string().regex(/^(group|subject):.{1,256}$/, 'must be group:<name> or subject:<sub>');
const port = z.int().min(0).max(65_535);
const action = z.enum(['allow', 'mask', 'hold', 'block']);
const pattern = z.string().min(1).max(1_000);

const unique =
  (what: string) =>
  (items: readonly { readonly name: string }[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      if (seen.has(item.name))
        context.addIssue({ code: 'custom', message: `a second ${what} is named ${item.name}`, path: [index, 'name'] });
      seen.add(item.name);
    }
  };

const server = z
  .strictObject({
    host: z.string().default('127.0.0.1').meta({ description: 'address to listen on; loopback unless you change it' }),
    gateway_port: port.default(8480).meta({ description: 'the data path; 0 = any free port' }),
    console_port: port.default(8481).meta({ description: 'API, SQL endpoint and console page; 0 = any free port' }),
    issuer_port: port.default(8482).meta({ description: 'development issuer, loopback only; 0 = any free port' }),
    metrics_port: port
      .default(8483)
      .meta({ description: 'probes and Prometheus metrics of a service in distributed mode; 0 = any free port' }),
    body_limit: size('32mb').meta({ description: 'largest request body' }),
    drain_timeout: duration('30s').meta({ description: 'how long SIGTERM lets streams finish' }),
  })
  .prefault({} as never);

const issuer = z.strictObject({
  name,
  issuer: url.meta({ description: 'the exact `iss` of its tokens' }),
  audience: z.string().min(1).meta({ description: 'the exact `aud` of tokens for this gateway' }),
  groups_claim: z.string().default('groups'),
  jwks_uri: url.optional().meta({ description: 'pins the key set; default: the one OIDC discovery names' }),
  algorithms: z
    .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']))
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA']),
});

const serviceKey = z.strictObject({
  name,
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:<64 hex digits>, as `affiant service-key create` prints it'),
  groups: z.array(group).min(1),
  expires: z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'must be an ISO 8601 instant'),
});

const identity = z
  .strictObject({
    issuers: z.array(issuer).default([]),
    service_keys: z.array(serviceKey).default([]),
    development_issuer: z.boolean().default(false).meta({ description: 'built-in issuer for trying out; loopback only' }),
    clock_tolerance: duration('30s'),
  })
  .prefault({} as never);

const connectionFields = z.strictObject({
  name,
  protocol: z.enum(PROTOCOL_NAMES),
  upstream: url,
  credential: secret,
  credential_header: z
    .enum(['x-api-key', 'authorization'])
    .optional()
    .meta({ description: 'how the credential is sent; by default as the protocol does: x-api-key (anthropic), authorization (openai)' }),
  allow: z.array(who).default([]).meta({ description: 'who may use it; nobody when empty' }),
  durability: z
    .enum(['local', 'replicated'])
    .default('local')
    .meta({ description: 'what a call waits for: its evidence in the journal, or also acknowledged by all replicas of the event log' }),
  provider_state: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .meta({ description: 'openai: calls that make the provider keep an answer, or that go on from content it keeps' }),
});

const connection = connectionFields.transform((fields) => ({
  ...fields,
  credential_header: fields.credential_header ?? PROTOCOLS[fields.protocol].credentialHeader,
}));

const approvers = z.strictObject({
  group,
  quorum: z.int().min(1).max(20).default(1),
  not: z.literal('requester').default('requester').meta({ description: 'the requester never approves' }),
  expires: duration('15m'),
});

const condition = z
  .strictObject({
    request_text: pattern.optional(),
    response_text: pattern.optional(),
    tool_input: pattern.optional(),
    tool: pattern.optional().meta({ description: 'name of a tool the model calls, or the request offers' }),
    model: pattern.optional(),
    principal: who.optional(),
  })
  .refine((value) => Object.keys(value).length > 0, 'must name at least one condition');

const policy = z
  .strictObject({
    name,
    connections: z.array(name).min(1).optional(),
    principals: z.array(who).min(1).optional(),
    detect: z.array(z.string().min(1)).min(1).optional().meta({ description: 'entity types, or names of patterns' }),
    min_score: z
      .number()
      .min(0.01)
      .max(1)
      .optional()
      .meta({ description: 'candidates with a lower score are left alone; default 0.4 (docs/reference/detectors.md)' }),
    except: z
      .array(z.string().min(1).max(256))
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: 'values this policy leaves alone, however they are spaced or capitalised' }),
    except_regex: z
      .array(pattern)
      .min(1)
      .max(32)
      .optional()
      .meta({ description: 'RE2 expressions: what one matches as a whole is left alone' }),
    request: action.optional(),
    response: action.optional(),
    tool_input: action.optional(),
    restore: z
      .array(z.enum(['text', 'tool_input']))
      .min(1)
      .max(2)
      .optional()
      .meta({ description: 'with `request: mask`: where an answer gives the caller back the values this very request brought' }),
    keep_original: z.literal('sealed').optional().meta({
      description: 'also keep what is masked, sealed: two people can open it ([guide](../guide/unseal.md)); default: it is not kept',
    }),
    when: condition.optional(),
    action: action.optional(),
    approvers: approvers.optional(),
  })
  .superRefine((value, context) => {
    const issue = (message: string, ...path: string[]): void => void context.addIssue({ code: 'custom', message, path });
    if (value.detect === undefined && value.when === undefined) issue('needs detect (values) or when (conditions)');
    if (value.detect !== undefined && value.request === undefined && value.response === undefined && value.tool_input === undefined)
      issue('detect needs request, response or tool_input: what to do with what is found');
    if (value.detect === undefined)
      for (const place of ['request', 'response', 'tool_input', 'min_score', 'except', 'except_regex', 'keep_original'] as const)
        if (value[place] !== undefined) issue(`${place} belongs to detect`, place);
    if (value.when !== undefined && value.detect === undefined && value.action === undefined) issue('when needs action');
    if (value.when === undefined && value.action !== undefined) issue('action belongs to when', 'action');
    if (value.restore !== undefined && value.request !== 'mask') issue('restore belongs to request: mask', 'restore');
    if (value.action === 'mask') issue('a condition cannot mask; use detect for that', 'action');
    const actions = [value.request, value.response, value.tool_input, value.action];
    if (actions.includes('hold') && value.approvers === undefined) issue('hold needs approvers');
    if (value.approvers !== undefined && !actions.includes('hold')) issue('approvers belong to a policy that holds', 'approvers');
  });

const customPattern = z
  .strictObject({
    name,
    regex: pattern.optional().meta({ description: 'RE2 syntax: linear time, no back-references' }),
    words: z
      .array(z.string().min(3).max(80))
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'a list instead of an expression: each is found as a whole word' }),
    case_sensitive: z.boolean().optional().meta({ description: 'of words; default false' }),
    context: z.array(z.string().min(1).max(64)).max(32).optional().meta({ description: 'a word that must stand near the match' }),
  })
  .superRefine((value, context) => {
    const issue = (message: string, ...path: string[]): void => void context.addIssue({ code: 'custom', message, path });
    if ((value.regex === undefined) === (value.words === undefined)) issue('needs either regex or words');
    if (value.case_sensitive !== undefined && value.words === undefined) issue('case_sensitive belongs to words', 'case_sensitive');
  });

const vkey = z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/, 'must be a public key of the form <name>+<key id>+<base64>');
const origin = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9./_-]{0,127}$/, 'must be a name such as ledger.example.com/affiant');

const witnesses = z
  .strictObject({
    members: z
      .array(
        z.strictObject({
          name,
          url: url.meta({ description: 'its submission prefix: add-checkpoint is asked for below it' }),
          vkey: vkey.meta({ description: 'its public key, signature type 4' }),
        }),
      )
      .max(32)
      .superRefine(unique('witness'))
      .default([]),
    quorum: z.int().min(1).max(32).optional().meta({ description: 'how many of them must cosign; default: more than half' }),
    interval: duration('1m').meta({ description: 'least time between two anchors' }),
    timeout: duration('10s').meta({ description: 'how long one of them may take to answer' }),
  })
  .superRefine((value, context) => {
    if (value.quorum !== undefined && value.quorum > value.members.length)
      context.addIssue({ code: 'custom', message: 'is more than there are members', path: ['quorum'] });
  })
  .prefault({} as never);

const witness = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9./_-]{0,127}$/, 'must be a name such as witness.example.com/w1')
    .meta({ description: 'key name of its cosignatures; constant for life' }),
  host: z.string().default('127.0.0.1').meta({ description: 'address to listen on; loopback unless you change it' }),
  port: port.default(8484).meta({ description: '0 = any free port' }),
  logs: z
    .array(z.strictObject({ origin, vkey: vkey.meta({ description: 'public key of the log, whose name is the origin' }) }))
    .min(1)
    .max(1_000)
    .meta({ description: 'logs it watches; a log with two keys, as in a rotation, is two entries' }),
});

const timestamps = z
  .strictObject({
    authorities: z
      .array(
        z.strictObject({
          name,
          url: url.meta({ description: 'where it answers RFC 3161 requests' }),
          root: z.string().min(1).meta({ description: 'PEM file with the root certificates its chains must end in' }),
        }),
      )
      .max(2)
      .superRefine(unique('authority'))
      .default([])
      .meta({ description: 'none: checkpoints are not time-stamped, and packets say so' }),
    interval: duration('1h').meta({ description: 'how often the newest checkpoint is stamped' }),
    renew_before: duration('30d').meta({ description: 'how long before the end of its certificate a stamp is stamped anew' }),
    timeout: duration('30s').meta({ description: 'how long an authority may take to answer' }),
  })
  .prefault({} as never);

const ledger = z
  .strictObject({
    origin: origin.default('affiant.local/ledger'),
    signer: signer.default({ kind: 'file' }).meta({ description: 'where the key that signs the log is kept' }),
    previous_signer: signer.optional().meta({ description: 'while a rotation overlaps: where the older key is kept, if elsewhere' }),
    checkpoint_interval: duration('1s'),
    gap_after: duration('15m').meta({
      description: 'how long events of a source may be missing before the gap is recorded; at least a minute',
    }),
    abort_after: duration('24h').meta({
      description: 'how long a request may be sealed without a response before the ledger says so; longer than a held call may wait',
    }),
    witnesses,
    timestamps: timestamps.meta({ description: 'whose time stamps our checkpoints get ([guide](../guide/time-stamps.md))' }),
    query_max_execution_time: duration('60s'),
    query_max_result_rows: z.int().min(1).default(5_000_000),
    query_max_result_bytes: size('1gb'),
    auditors: z.array(group).default([]).meta({ description: 'groups that may query, replay and make packets' }),
    examiners: z.array(group).default([]).meta({ description: 'groups that may query and read packets' }),
  })
  .prefault({} as never);

const retention = z
  .strictObject({
    content: duration().optional().meta({ description: 'requests, body segments, responses and dead letters; never dropped when absent' }),
    decisions: duration().optional().meta({ description: 'decisions; never dropped when absent' }),
    check_every: duration('1h').meta({ description: 'how often the ledger looks' }),
  })
  .superRefine((value, context) => {
    if (value.decisions !== undefined && value.decisions < (value.content ?? Number.POSITIVE_INFINITY))
      context.addIssue({ code: 'custom', message: 'must be at least as long as content, which must be given too', path: ['decisions'] });
  })
  .prefault({} as never);

const holds = z
  .strictObject({
    place: z.array(group).default([]).meta({ description: 'groups whose members may place a hold' }),
    release: z.array(group).default([]).meta({ description: 'groups whose members may release a hold that another person placed' }),
  })
  .prefault({} as never);

const erasure = z
  .strictObject({
    request: z.array(group).default([]).meta({ description: 'groups whose members may request the erasure of a session' }),
    approve: z.array(group).default([]).meta({ description: 'groups whose members may approve an erasure that another person requested' }),
  })
  .prefault({} as never);

const unseal = z
  .strictObject({
    request: z.array(group).default([]).meta({ description: 'groups whose members may request that sealed originals are opened to them' }),
    approve: z.array(group).default([]).meta({ description: 'groups whose members may approve or deny what another person requested' }),
    expires: duration('24h').meta({ description: 'how long a request waits for an answer' }),
    passphrase: secret.optional().meta({ description: 'of the private keys of originals (keys/originals*.key) that are encrypted' }),
    window: duration('15m').meta({ description: 'how long after the approval the values may be fetched, once' }),
  })
  .prefault({} as never);

const journal = z
  .strictObject({
    segment_bytes: size('64mb'),
    high_water_bytes: size('4gb').meta({ description: 'un-acknowledged bytes above which calls are refused' }),
  })
  .prefault({} as never);

const approvals = z
  .strictObject({
    silent: duration('20s').meta({ description: 'silence before the first keep-alive, so that a quick denial is a clean 403' }),
    keep_alive: duration('10s'),
    max_wait: duration('15m').meta({ description: 'longest time an open connection waits' }),
    retry_window: duration('10m').meta({ description: 'how long a decision stays good for a retry' }),
  })
  .prefault({} as never);

const tls = z.strictObject({
  ca: secret.optional().meta({ description: 'PEM of the authority that signed the server; default: those Node trusts' }),
  certificate: secret.optional().meta({ description: 'PEM of the client certificate' }),
  key: secret.optional().meta({ description: 'PEM of its key' }),
});

const login = z.strictObject({ user: z.string().min(1), password: secret });

const kafka = z.strictObject({
  brokers: z.array(z.string().regex(/^[^\s,/]+:\d{1,5}$/, 'must be host:port')).min(1),
  client_id: name.default('affiant'),
  tls: tls.optional().meta({ description: 'TLS when given, also as an empty section' }),
  sasl: login.extend({ mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']) }).optional(),
  topics: z
    .strictObject({
      partitions: z
        .int()
        .min(1)
        .max(1_000)
        .default(12)
        .meta({ description: 'fixed for the life of a topic: sources are assigned to them' }),
      replication_factor: z.int().min(1).max(9).default(3),
      min_insync_replicas: z.int().min(1).max(9).default(2),
      retention: duration('30d').meta({
        description: 'at least the longest outage of the ledger you want to survive, at most retention.content',
      }),
    })
    .prefault({} as never),
  resend_after: duration('2m').meta({ description: 'events that the ledger has not acknowledged by then are sent again' }),
});

const schemaRegistry = z.strictObject({
  url: url.meta({ description: 'base of a Confluent-compatible registry, with its path' }),
  login: login.optional(),
});

const clickhouse = z.strictObject({
  url: url.meta({ description: 'HTTP interface of the server' }),
  cluster: name.optional().meta({ description: 'name of the cluster: tables are made ReplicatedMergeTree ON CLUSTER' }),
  writer: login.meta({ description: 'ingest and sequencer: INSERT and SELECT, nothing else' }),
  migrator: login.optional().meta({
    description: 'makes and extends tables; used by `affiant ledger migrate` and `rebuild` only, so leave it out of the services',
  }),
  retention: login.optional().meta({ description: 'drops what its retention has ended; only the ledger service needs it' }),
  eraser: login.optional().meta({ description: 'deletes opened content whose key was destroyed; only the ledger service needs it' }),
  auditor: login,
  examiner: login,
  evidence: login,
  headers: z.record(z.string(), secret).optional().meta({ description: 'sent with each request, for a proxy before the server' }),
});

const postgres = z.strictObject({
  url: secret.meta({ description: 'postgres://user:password@host/database' }),
  pool: z.int().min(1).max(100).default(10),
});

const redis = z.strictObject({ url: secret.meta({ description: 'redis:// or rediss:// URL' }) });

const objectStore = z.strictObject({
  endpoint: url.optional().meta({ description: 'of an S3-compatible store; default: Amazon S3' }),
  region: z.string().min(1).default('us-east-1'),
  bucket: z.string().min(3).max(63).meta({ description: 'must exist, with versioning and object lock on' }),
  prefix: z.string().max(200).default(''),
  access_key_id: secret,
  secret_access_key: secret,
  path_style: z.boolean().default(true),
  retain: duration('2557d').meta({ description: 'how long object lock (mode COMPLIANCE) keeps packets and tiles' }),
});

const siem = z
  .strictObject({
    syslog: z
      .strictObject({
        address: z.string().regex(/^[^\s,/]+:\d{1,5}$/, 'must be host:port'),
        tls: tls.optional().meta({ description: 'RFC 5425; without it the address must be loopback' }),
      })
      .optional(),
    splunk_hec: z
      .strictObject({ url, token: secret, channel: z.uuid(), tls: tls.optional() })
      .optional()
      .meta({ description: 'Splunk HTTP Event Collector with indexer acknowledgement' }),
  })
  .prefault({} as never);

/** What was dropped from the ledger would still be in Kafka, readable there, and taken in again by a rebuild. */
function keepsNoLongerThanTheLedger(
  { kafka: log, retention: kept }: { readonly kafka?: z.output<typeof kafka> | undefined; readonly retention: z.output<typeof retention> },
  context: z.RefinementCtx,
): void {
  if (log === undefined || kept.content === undefined || log.topics.retention <= kept.content) return;
  const message = 'must not be longer than retention.content: Kafka would keep what the ledger has dropped';
  context.addIssue({ code: 'custom', message, path: ['kafka', 'topics', 'retention'] });
}

/** The configuration file. Defaults stand here and nowhere else. */
export const configSchema = z
  .strictObject({
    source: name
      .optional()
      .meta({ description: 'id of the journal this process writes, unique and constant; default: service and host name' }),
    institution: z.string().min(1).max(200).default('(institution not named)').meta({ description: 'printed on packets' }),
    server,
    identity,
    connections: z.array(connection).max(1_000).superRefine(unique('connection')).default([]),
    policies: z.array(policy).max(1_000).superRefine(unique('policy')).default([]),
    patterns: z.array(customPattern).max(200).superRefine(unique('pattern')).default([]),
    ledger,
    retention: retention.meta({ description: 'how long the ledger keeps what it holds; leaves and checkpoints stay for ever' }),
    holds: holds.meta({ description: 'who may keep records from being dropped' }),
    erasure: erasure.meta({ description: 'who may have the content of a session erased ([guide](../guide/erase.md))' }),
    sealing: sealing.meta({
      description: 'the key-encryption key of sealed content ([where it is kept](signers.md#the-key-of-sealed-content))',
    }),
    unseal: unseal.meta({ description: 'who may have sealed originals opened ([guide](../guide/unseal.md))' }),
    journal,
    approvals,
    siem,
    kafka: kafka.optional().meta({ description: 'the event log of distributed mode' }),
    schema_registry: schemaRegistry.optional(),
    clickhouse: clickhouse.optional().meta({ description: 'the ledger store of distributed mode' }),
    postgres: postgres.optional().meta({ description: 'the catalogue of distributed mode' }),
    redis: redis.optional().meta({ description: 'the job queue of distributed mode' }),
    witness: witness.optional().meta({ description: 'makes this process a witness of other logs (docs/guide/run-a-witness.md)' }),
    object_store: objectStore.optional().meta({ description: 'packets and tiles of distributed mode' }),
  })
  .superRefine(keepsNoLongerThanTheLedger);
