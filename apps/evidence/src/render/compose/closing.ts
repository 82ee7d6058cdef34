import { CROSSWALK } from '../../catalog/crosswalk.js';
import type { Block, Section } from '../blocks.js';
import type { Context } from './context.js';

export function findingsSection(context: Context): Section {
  const findings = context.model.controls.filter(({ verdict }) => verdict === 'FINDING');
  const titles = new Map(context.catalogue.controls.map((control) => [control.id, control.title]));
  return {
    title: 'Findings',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Findings' },
      findings.length === 0
        ? {
            t: 'paragraph',
            text: 'No control of this packet is a FINDING. Controls that are INCONCLUSIVE or MANUAL are not thereby in order; see the executive summary.',
          }
        : {
            t: 'table',
            caption: 'Findings of this packet; root cause, owner and due date are written by management',
            rowHeaders: true,
            minRowHeight: 34,
            columns: [
              { label: 'Id', weight: 1 },
              { label: 'Finding', weight: 3.4 },
              { label: 'Root cause', weight: 1.6 },
              { label: 'Owner', weight: 1 },
              { label: 'Due', weight: 0.8 },
            ],
            rows: findings.map((finding) => [finding.id, `${titles.get(finding.id) ?? ''}. ${finding.reasons.join(' ')}`, '', '', '']),
          },
    ],
  };
}

export function signOffSection(): Section {
  const box = (role: string, statement: string): Block[] => [
    { t: 'heading', level: 2, text: role },
    { t: 'paragraph', style: 'muted', text: statement },
    {
      t: 'table',
      caption: '',
      plain: true,
      minRowHeight: 26,
      columns: [
        { label: 'Box', weight: 1 },
        { label: 'Text', weight: 4 },
      ],
      rows: [
        ['Name and role', ''],
        ['Signature', ''],
        ['Date', ''],
      ],
    },
  ];
  return {
    title: 'Sign-off',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Sign-off' },
      {
        t: 'paragraph',
        text: 'All text of this packet up to here was made by a program from templates and query results. What people add below is theirs.',
      },
      ...box('Preparer', 'I made this packet for the period on the cover and left nothing out of it that the program gave.'),
      ...box(
        'Reviewer',
        'I did not prepare this packet. I ran the offline verification with a key I got on another way, and re-ran a sample of the queries of Appendix A.',
      ),
      ...box('Releaser', 'I release this packet to the recipient. The recipient’s request, if any, is kept apart from it.'),
    ],
  };
}

export function queryAppendix(context: Context): Section {
  return {
    title: 'Appendix A: Query catalogue',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Appendix A: Query catalogue' },
      {
        t: 'paragraph',
        text: `${context.model.runs.length} queries, in the order they ran, on ${context.model.engine.name} ${context.model.engine.version}. All counts are exact. Each can be pasted into the SQL endpoint as it stands; the files queries/*.sql hold the same text.`,
      },
      ...context.model.runs.flatMap((run): Block[] => [
        { t: 'heading', level: 2, text: `${run.id}: ${run.title}` },
        { t: 'code', text: run.sql },
        {
          t: 'paragraph',
          style: 'muted',
          text: `Rows: ${run.row_count}${run.exhibit === null ? '' : `, in ${run.exhibit}`}. Text SHA-256 ${run.sql_sha256}. Result SHA-256 ${run.result_sha256}.`,
        },
      ]),
    ],
  };
}

export function exhibitAppendix(context: Context): Section {
  return {
    title: 'Appendix B: Exhibits',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Appendix B: Exhibits' },
      {
        t: 'paragraph',
        text: 'Files attached to this PDF. packet.json and manifest.json are attached too; the manifest lists the digest of every attachment, the cover that of packet.json.',
      },
      {
        t: 'table',
        caption: 'Attached files',
        rowHeaders: true,
        columns: [
          { label: 'File', weight: 2.3, mono: true },
          { label: 'Rows', weight: 0.6, align: 'right' },
          { label: 'Of', weight: 0.6, align: 'right' },
          { label: 'Bytes', weight: 0.8, align: 'right' },
          { label: 'SHA-256', weight: 3.6, mono: true },
        ],
        rows: context.model.exhibits.map((exhibit) => [
          exhibit.name,
          exhibit.rows === null ? '' : String(exhibit.rows),
          exhibit.total_rows === null ? '' : String(exhibit.total_rows),
          String(exhibit.bytes),
          exhibit.sha256,
        ]),
      },
      { t: 'heading', level: 2, text: 'Cited events and their inclusion proofs' },
      context.model.cited.length === 0
        ? { t: 'paragraph', text: 'No event is cited.' }
        : {
            t: 'table',
            caption: 'Events with an inclusion proof against the checkpoint',
            rowHeaders: true,
            columns: [
              { label: 'Event', weight: 2.2, mono: true },
              { label: 'Source', weight: 1 },
              { label: 'Seq', weight: 0.7, align: 'right' },
              { label: 'Leaf', weight: 0.7, align: 'right' },
              { label: 'Cited as', weight: 1.6 },
              { label: 'Proof', weight: 1.6, mono: true },
            ],
            rows: context.model.cited.map((event) => [
              event.event_id,
              event.source_id,
              String(event.seq),
              String(event.leaf_index),
              event.why,
              event.proof,
            ]),
          },
    ],
  };
}

export function crosswalkAppendix(): Section {
  return {
    title: 'Appendix C: Crosswalk',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Appendix C: Crosswalk' },
      {
        t: 'paragraph',
        text: 'Rows that rest on the same examination. CSF 2.0 outcomes and AI 600-1 actions are never passed on their own; they take the worst verdict of the controls beside them.',
      },
      {
        t: 'table',
        caption: 'FFIEC objectives, SP 800-53 controls, CSF 2.0 subcategories, NIST AI 600-1 actions (July 2024 numbering)',
        rowHeaders: true,
        columns: [
          { label: 'FFIEC', weight: 1.2 },
          { label: 'SP 800-53', weight: 1.8 },
          { label: 'CSF 2.0', weight: 1.8 },
          { label: 'AI 600-1', weight: 1.6 },
        ],
        rows: CROSSWALK.map((row) => [row.ffiec, row.nist, row.csf, row.ai600]),
      },
    ],
  };
}

/** Who besides the operator has vouched for a time. */
function stampWords({ model }: Context): string[] {
  const { stamps = [], snapshot } = model;
  const cosigned = snapshot.cosigned_by ?? [];
  const witnessed =
    cosigned.length > 0
      ? `The log is signed by its operator. Its checkpoint is cosigned by ${cosigned.map(({ name, at }) => `${name} at ${at}`).join(', ')}: a witness that the reader trusts shows that nobody was shown another history up to there. Attached: checkpoint.note.`
      : 'The log is signed by its operator. Witnesses: none configured, or none has cosigned this tree size. This packet carries no signature of an independent witness: that the operator has not shown others another history cannot be proved from it.';
  if (stamps.length === 0)
    return [
      witnessed,
      'Time stamps: none configured, or none granted yet. When this packet’s tree was sealed cannot be proved from it: its times are those of the operator and of the witnesses.',
    ];
  const said = stamps.map(({ authority, signed_by, tree_size, number, time, file }) => {
    const over = number === 0 ? `the checkpoint of ${tree_size} leaves` : `the checkpoint of ${tree_size} leaves and the stamp before it`;
    return `Time stamp (RFC 3161) by ${authority}, signed by ${signed_by}: ${over} existed at ${time}, by the authority’s clock. Attached: ${file}, with certificates, note and the proof that the tree of this packet extends the stamped one.`;
  });
  const covered = Math.max(...stamps.map(({ tree_size }) => tree_size));
  const rest = `Records from leaf ${covered} on, of ${snapshot.tree_size}, were sealed after the newest time stamp in this packet: their time is the operator’s word.`;
  const checked = 'The root of the authority is for the reader to choose; this packet does not say whom to trust.';
  return [witnessed, ...said, ...(covered < snapshot.tree_size ? [rest] : []), checked];
}

export function glossaryAppendix(context: Context): Section {
  return {
    title: 'Appendix D: Glossary and limits',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Appendix D: Glossary and limits' },
      {
        t: 'table',
        caption: 'Words of this packet',
        rowHeaders: true,
        columns: [
          { label: 'Word', weight: 1 },
          { label: 'Meaning', weight: 4 },
        ],
        rows: [
          ['Exchange', 'One call of an agent or SDK and its answer.'],
          ['Principal', 'Who calls, as verified from a token of the configured issuer.'],
          ['Connection', 'A configured way to a provider or target, with its own credential.'],
          ['Session', 'Exchanges that belong together, as the client says. It correlates; it does not identify.'],
          [
            'Source',
            'The journal that wrote a record. Its records are numbered without holes and each names the digest of the one before.',
          ],
          [
            'Leaf',
            'The commitment to one record in the Merkle tree: source, number, digest of the exact bytes, digest of the record before.',
          ],
          ['Checkpoint', 'Size and root of the tree, signed by the log (C2SP signed note).'],
          ['Frontier', 'Per source, the number up to which all records are in the tree.'],
          [
            'Keyed digest',
            'HMAC-SHA-256 of an original with a key of the deployment: equality can be shown, the value cannot be guessed from it.',
          ],
          ['Tamper-evident', 'A change, removal or reordering of a sealed record cannot be made without it showing.'],
        ],
      },
      { t: 'heading', level: 2, text: 'Limits' },
      {
        t: 'list',
        items: [
          'A log proves that what it was given was not altered, removed, reordered or back-dated afterwards. It cannot prove an event that it was never given.',
          ...stampWords(context),
          'Times come from the clocks of the gateways; the offset printed is drift against the machine’s own monotonic clock.',
          'The database holding the records is append-friendly, not write-once; what shows a change is the tree, not the database.',
          'Detectors recognise what their rules describe. No share of recognised values is claimed here.',
          'Sample rows are ordered by a fixed hash of the identifier, so that nobody chooses them. Sizes of audit samples belong to the auditor; the population file is attached.',
          'The file is made to PDF/A-3a and PDF/UA-1.',
        ],
      },
    ],
  };
}

export function certificateAppendix(context: Context): Section {
  return {
    title: 'Appendix E: Certificate template',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Appendix E: Certificate template' },
      {
        t: 'banner',
        tone: 'caution',
        title: 'Template, not signed',
        text: 'For counsel to adapt. Federal Rules of Evidence 902(13) and 902(14) concern authenticity only; hearsay and relevance remain.',
      },
      {
        t: 'paragraph',
        text: 'I, ______________________, am employed by ______________________ as ______________________ and am qualified to make this statement.',
      },
      {
        t: 'paragraph',
        text: `1. The records summarised in the evidence packet ${context.model.packet_id} were generated by an electronic process or system that produces an accurate result: each record was written by the gateway at or near the time of the call, numbered, and chained to the record before it.`,
      },
      {
        t: 'paragraph',
        text: `2. The data were copied from the ledger ${context.model.snapshot.origin} as of tree size ${context.model.snapshot.tree_size} and are identified by digital identification: the root hash ${context.model.snapshot.root_hash}, the SHA-256 digests in manifest.json and the seal of the file.`,
      },
      { t: 'paragraph', text: '3. I verified that identification with the log’s public key, which I obtained by ______________________ .' },
      { t: 'paragraph', text: 'I declare under penalty of perjury that the foregoing is true and correct.' },
      {
        t: 'table',
        caption: '',
        plain: true,
        minRowHeight: 28,
        columns: [
          { label: 'Box', weight: 1 },
          { label: 'Text', weight: 4 },
        ],
        rows: [
          ['Signature', ''],
          ['Name and title', ''],
          ['Date and place', ''],
        ],
      },
    ],
  };
}
