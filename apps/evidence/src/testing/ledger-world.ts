import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { EventCodec, payloadHash, type EventDraft, type EventType, type Principal } from '#events';
import type { EventRow, LeafRow, LedgerStore } from '#ledger-store';
import { formatVkey, type Signer } from '#signing';
import { controlLeafType, encodeLeaf, leafHash, RootBuilder, signCheckpoint, type LeafType } from '#tlog';

/** An Ed25519 key in memory. */
export function memorySigner(name = 'affiant.test/ledger'): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  return { name, publicKey: Buffer.from(raw), vkey: formatVkey(name, raw), sign: async (message) => sign(null, message, privateKey) };
}

/** Writes a ledger by hand: real events, rows, leaves and a signed checkpoint, without a gateway. */
export class LedgerWorld {
  readonly codec = new EventCodec();
  readonly #rows: EventRow[] = [];
  readonly #seqs = new Map<string, number>();
  readonly #last = new Map<string, Buffer>();
  #ids = 0;

  constructor(readonly signer: Signer) {}

  id(): string {
    this.#ids++;
    return `0199aaaa-0000-7000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }

  /** One event of a source at a time (microseconds). */
  add(draft: EventDraft, atUs: number, source = 'gateway'): EventRow {
    const seq = (this.#seqs.get(source) ?? 0) + 1;
    this.#seqs.set(source, seq);
    const prev_hash = this.#last.get(source) ?? Buffer.alloc(32);
    const envelope = {
      event_id: this.id(),
      source_id: source,
      boot_epoch: 1,
      seq,
      prev_hash,
      occurred_at: atUs,
      clock_offset_us: seq % 7,
      build: 'affiant 0.1.0',
      ...draft.context,
    };
    const event = { envelope, ...draft.event };
    const raw = this.codec.encode(draft.type, event);
    const hash = payloadHash(raw);
    this.#last.set(source, hash);
    const schema = Buffer.from(this.codec.schemaSha256(raw), 'hex');
    const leaf = encodeLeaf({
      type: draft.type === 'control' ? controlLeafType(draft.event.kind) : (draft.type as LeafType),
      boot_epoch: 1,
      seq,
      occurred_at: atUs,
      schema_sha256: schema,
      payload_hash: hash,
      prev_hash,
      source_id: source,
    });
    const row = rowOf(draft, envelope, { raw, hash, prev_hash, schema, leaf, topic: this.codec.topicOf(draft.type, event) });
    this.#rows.push(row);
    return row;
  }

  /** Appends everything as one round and seals it. */
  async seal(store: LedgerStore, sealedAtUs: number): Promise<{ treeSize: number; note: string }> {
    await store.appendEvents('events-1', this.#rows);
    const ordered = [...this.#rows].sort((a, b) => (a.source_id < b.source_id ? -1 : a.source_id > b.source_id ? 1 : a.seq - b.seq));
    const builder = new RootBuilder();
    const leaves = ordered.map((row, leaf_index): LeafRow => {
      const leaf_hash = leafHash(row.leaf);
      builder.append(leaf_hash);
      return { leaf_index, source_id: row.source_id, seq: row.seq, leaf_hash, leaf: row.leaf, round: 1 };
    });
    await store.appendLeaves('leaves-1', leaves);
    const root = builder.root();
    const note = await signCheckpoint({ origin: this.signer.name, size: leaves.length, root }, [this.signer]);
    const frontier = [...this.#seqs];
    await store.appendCheckpoint({
      round: 1,
      tree_size: leaves.length,
      root_hash: root.toString('hex'),
      note,
      sealed_at: sealedAtUs,
      frontier_sources: frontier.map(([source]) => source),
      frontier_seqs: frontier.map(([, seq]) => seq),
    });
    return { treeSize: leaves.length, note };
  }
}

interface Hashed {
  readonly raw: Buffer;
  readonly hash: Buffer;
  readonly prev_hash: Buffer;
  readonly schema: Buffer;
  readonly leaf: Buffer;
  readonly topic: string;
}

function rowOf(
  draft: EventDraft,
  envelope: {
    event_id: string;
    source_id: string;
    boot_epoch: number;
    seq: number;
    occurred_at: number;
    clock_offset_us: number;
    build: string;
  },
  hashed: Hashed,
): EventRow {
  const { principal, session_id, exchange_id, connection } = draft.context;
  const body = 'body' in draft.event ? draft.event.body : null;
  const { body: _, ...fields } = { body: null, ...draft.event };
  const segments = body?.segments ?? [];
  return {
    source_id: envelope.source_id,
    boot_epoch: 1,
    seq: envelope.seq,
    topic: hashed.topic,
    log_partition: envelope.source_id,
    log_offset: envelope.seq,
    event_type: draft.type satisfies EventType,
    event_id: envelope.event_id,
    occurred_at: envelope.occurred_at,
    ingested_at: envelope.occurred_at + 90_000,
    clock_offset_us: envelope.clock_offset_us,
    build: envelope.build,
    session_id: session_id ?? '',
    exchange_id: exchange_id ?? '',
    connection: connection ?? '',
    principal_issuer: principal?.issuer ?? '',
    principal_subject: principal?.subject ?? '',
    principal_kind: principal?.kind ?? '',
    principal_groups: principal?.groups ?? [],
    principal_actor: principal?.actor ?? '',
    token_digest: principal?.token_digest ?? '',
    data: JSON.stringify(body === null ? fields : { ...fields, body: { ...body, segments: undefined } }),
    segment_sha256: segments.map(({ sha256 }) => sha256),
    segment_length: segments.map(({ bytes_length }) => bytes_length),
    segment_inline: segments.map(({ inline }) => inline !== null),
    segment_content: segments.map(({ inline }) => inline ?? Buffer.alloc(0)),
    content_key: '',
    raw: hashed.raw,
    payload_hash: hashed.hash,
    prev_hash: hashed.prev_hash,
    schema_sha256: hashed.schema,
    leaf: hashed.leaf,
  };
}

export function person(subject: string, changes: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://idp.example',
    subject,
    kind: 'user',
    groups: ['engineering'],
    actor: null,
    token_digest: createHash('sha256').update(subject).digest('hex'),
    token_expires_at: null,
    authenticated_by: 'mfa',
    ...changes,
  };
}
