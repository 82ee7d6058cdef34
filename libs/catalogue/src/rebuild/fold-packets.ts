import { ERROR_CODES, type ErrorCode } from '#errors';
import type { Control } from '#events';
import type { PacketRow } from '../entities.js';
import type { PacketRecord, PacketState } from '../port.js';

/** Where the file of a finished packet lies; null when it is not there. */
export type FindFile = (packet: PacketRecord) => Promise<{ readonly path: string; readonly bytes: number } | null>;

const FRAMEWORKS: readonly string[] = ['ffiec', 'nist-800-53'] satisfies PacketRecord['framework'][];
/** Attributes of packet.created that are no verdict counts. */
const FACTS = new Set(['status', 'framework', 'from', 'to', 'tree_size', 'sha256', 'packet_id', 'code']);

/** Builds packets from the control events `packet.created`: status started, then done, refused or failed (perhaps more than once). */
export class PacketFold {
  readonly #packets = new Map<string, { started: Control | null; readonly ends: Control[] }>();

  take(event: Control): void {
    if (event.kind !== 'packet.created' || event.subject === null) return;
    const known = this.#packets.get(event.subject) ?? { started: null, ends: [] };
    this.#packets.set(event.subject, known);
    if (factsOf(event)['status'] === 'started') known.started = event;
    else known.ends.push(event);
  }

  /** Packets whose request is known, oldest first. What is unfinished is `queued` with its job, for the sweep to put in. */
  async result(find: FindFile): Promise<{ readonly rows: PacketRow[]; readonly incomplete: number }> {
    const rows: PacketRow[] = [];
    for (const [id, { started, ends }] of this.#packets) {
      const row = started === null ? null : await packetOf(id, started, ends, find);
      if (row !== null) rows.push(row);
    }
    rows.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
    return { rows, incomplete: this.#packets.size - rows.length };
  }
}

async function packetOf(id: string, started: Control, ends: readonly Control[], find: FindFile): Promise<PacketRow | null> {
  const { envelope } = started;
  const asked = factsOf(started);
  if (!FRAMEWORKS.includes(asked['framework'] ?? '') || envelope.principal === null) return null;
  // A job that ran twice has told twice: one success is enough, and both name the same bytes.
  const last = (status: string): Control | undefined => ends.findLast((event) => factsOf(event)['status'] === status);
  const end = last('done') ?? last('refused') ?? last('failed');
  const facts = end === undefined ? {} : factsOf(end);
  const state = (facts['status'] ?? 'queued') as PacketState;
  const record: PacketRow = {
    id,
    framework: asked['framework'] as PacketRecord['framework'],
    from: asked['from'] ?? '',
    to: asked['to'] ?? '',
    tree_size: numberOf(facts['tree_size'] ?? asked['tree_size']),
    state,
    progress: state === 'done' ? 1 : 0,
    step: state,
    requested_by: envelope.principal.subject,
    created_at: toMs(envelope.occurred_at),
    finished_at: end === undefined ? null : toMs(end.envelope.occurred_at),
    sha256: facts['sha256'] ?? null,
    path: null,
    bytes: null,
    verdicts: state === 'done' ? verdictsOf(facts) : null,
    error: facts['code'] === undefined ? null : meaningOf(facts['code']),
    // The payload of its job (#packet-desk PacketJob), for the sweep.
    job: { id, requestedBy: envelope.principal, source: envelope.source_id, seq: envelope.seq },
    requeues: 0,
  };
  const file = state === 'done' ? await find(record) : null;
  return file === null ? record : { ...record, path: file.path, bytes: file.bytes };
}

const factsOf = (event: Control): Record<string, string> => Object.fromEntries(event.attributes.map(({ name, value }) => [name, value]));

const verdictsOf = (facts: Readonly<Record<string, string>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(facts)
      .filter(([name]) => !FACTS.has(name))
      .map(([name, count]) => [name.toUpperCase().replaceAll('_', ' '), Number(count)]),
  );

function meaningOf(code: string): string {
  const spec = code in ERROR_CODES ? ERROR_CODES[code as ErrorCode] : null;
  return spec === null ? code : `${spec.meaning} ${spec.remedy}`;
}

const numberOf = (text: string | undefined): number | null => (text === undefined ? null : Number(text));

const toMs = (microseconds: number): number => Math.floor(microseconds / 1000);
