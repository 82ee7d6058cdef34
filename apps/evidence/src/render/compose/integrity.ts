import type { PacketModel } from '../../model/packet.js';
import type { Section } from '../blocks.js';
import { plainResultTable, resultTable, type Context } from './context.js';

/** Population and integrity: the six gates with their numbers. */
export function gatesSection(context: Context): Section {
  const { model } = context;
  return {
    title: 'Population and integrity (gates)',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Population and integrity' },
      { t: 'paragraph', text: 'Six gates were run before any control. A control that rests on a gate which does not hold is never PASS.' },
      {
        t: 'table',
        caption: 'Gates',
        rowHeaders: true,
        columns: [
          { label: 'Gate', weight: 0.5 },
          { label: 'Check', weight: 1.4 },
          { label: 'Verdict', weight: 1 },
          { label: 'What was found', weight: 5 },
        ],
        rows: model.gates.map((gate) => [gate.id, gate.title, gate.verdict, gate.reasons.join(' ')]),
      },
      { t: 'heading', level: 2, text: 'G1 Continuity' },
      {
        t: 'paragraph',
        text: 'Every source numbers its records from 1 without holes. A hole is a record that was written and did not arrive.',
      },
      resultTable(context, 'g1-sources', [
        { column: 'source_id', label: 'Source', weight: 1.6 },
        { column: 'events', label: 'Events', align: 'right' },
        { column: 'distinct_ids', label: 'Distinct ids', align: 'right' },
        { column: 'first_seq', label: 'First seq', align: 'right' },
        { column: 'last_seq', label: 'Last seq', align: 'right' },
        { column: 'missing', label: 'Missing', align: 'right' },
        { column: 'duplicates', label: 'Duplicates', align: 'right' },
        { column: 'starts', label: 'Starts', align: 'right' },
      ]),
      plainResultTable(context, 'g1-gaps', 60),
      plainResultTable(context, 'g1-heartbeats', 60),
      { t: 'heading', level: 2, text: 'G2 Chain and tree' },
      {
        t: 'paragraph',
        text: 'Payload digests are computed again from the exact bytes received, links from record to record, leaves from their bytes, and the root from all leaves (RFC 6962). The root is then compared with the signed checkpoint.',
      },
      plainResultTable(context, 'g2-payloads', 1),
      plainResultTable(context, 'g2-leaves', 1),
      plainResultTable(context, 'g2-chain', 1),
      {
        t: 'table',
        caption: 'Root of the tree',
        plain: true,
        columns: [
          { label: 'Item', weight: 1 },
          { label: 'Value', weight: 3 },
        ],
        rows: [
          ['Leaves recomputed', String(model.integrity.leaves)],
          ['Root recomputed', model.integrity.root_hash],
          ['Root of the checkpoint', model.snapshot.root_hash],
          [
            'Signature of the checkpoint',
            model.integrity.note_verified
              ? `verifies under ${model.snapshot.vkey}`
              : `does not verify: ${model.integrity.note_error ?? ''}`,
          ],
          ['Witnesses', witnessWords(model)],
          ['Time stamps', stampLine(model)],
          ['Previous packet of this framework', previousWords(model)],
        ],
      },
      { t: 'paragraph', style: 'label', text: 'The checkpoint as signed' },
      { t: 'code', text: model.snapshot.note.trimEnd() },
      { t: 'heading', level: 2, text: 'G4 Clock and G6 mandatory fields' },
      plainResultTable(context, 'clock', 1),
      plainResultTable(context, 'record-fields', 1),
      { t: 'heading', level: 2, text: 'G5 Watermark' },
      plainResultTable(context, 'g5-watermark', 60),
      resultTable(context, 'event-types', [
        { column: 'event_type', label: 'Event type', weight: 1.4 },
        { column: 'events', label: 'Events', align: 'right' },
        { column: 'sources', label: 'Sources', align: 'right' },
        { column: 'first_event', label: 'First', weight: 1.8 },
        { column: 'last_event', label: 'Last', weight: 1.8 },
      ]),
    ],
  };
}

/** Coverage: what is known to have gone around the gateway, and what cannot be known. */
export function coverageSection(context: Context): Section {
  const source = context.model.population_source;
  return {
    title: 'Coverage and bypass',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Coverage and bypass' },
      {
        t: 'banner',
        tone: source === null ? 'caution' : 'calm',
        title: source === null ? 'Share of traffic through the gateway: not known' : `Compared with ${source}`,
        text:
          source === null
            ? 'No provider usage export, target audit log or egress flow log is connected. The ledger proves that what was handed to it was not altered, dropped or reordered; it cannot prove that nothing went around it.'
            : 'Differences are listed in gate G3.',
      },
      { t: 'paragraph', text: 'What was turned away at the gateway shows that its boundary is live, not that it is the only one.' },
      plainResultTable(context, 'bypass', 60),
      { t: 'heading', level: 2, text: 'Drills and probes' },
      { t: 'paragraph', text: 'Only a drill that exercised the mechanism in the period makes a control TEST.' },
      plainResultTable(context, 'drills', 60),
    ],
  };
}

/** Who cosigned the checkpoint, or that nobody was asked to. */
function witnessWords({ snapshot, assurance }: PacketModel): string {
  const by = snapshot.cosigned_by ?? [];
  if (by.length > 0)
    return `cosigned by ${by.map(({ name, at }) => `${name} at ${at}`).join(', ')}; each cosigns one history only, and the reader chooses whom to trust`;
  if ((assurance?.cosigned_before ?? 0) > 0) return 'this tree size is not cosigned; earlier ones are, as the ledger tells';
  return 'None configured: the ledger tells of no witness that has cosigned a checkpoint';
}

function stampLine({ stamps = [], assurance }: PacketModel): string {
  if (stamps.length > 0) return stamps.map(({ authority, tree_size, time }) => `${authority}: ${tree_size} leaves at ${time}`).join('; ');
  if ((assurance?.stamp_failures ?? 0) > 0) return 'configured, and no authority has stamped a checkpoint yet';
  return 'None configured: the ledger tells of no time stamp authority that has stamped a checkpoint';
}

function previousWords({ previous }: PacketModel): string {
  if (previous === undefined) return 'none: the ledger tells of no earlier one';
  const { packet_id, tree_size, sha256, file } = previous;
  return `${packet_id}, tree size ${tree_size}, SHA-256 ${sha256}; ${file} proves that this tree goes on from it`;
}
