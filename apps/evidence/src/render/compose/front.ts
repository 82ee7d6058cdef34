import { countVerdicts } from '../../model/verdict.js';
import type { Block, Section } from '../blocks.js';
import { queryMark, resultTable, shortInstant, show, type Context } from './context.js';

/** Cover: who, what, when, with which result, and which gates do not hold. */
export function coverSection(context: Context): Section {
  const { model, catalogue } = context;
  const failed = model.gates.filter(({ verdict }) => verdict !== 'PASS');
  const blocks: Block[] = [
    { t: 'title', over: model.institution, title: 'Evidence packet', under: `${catalogue.framework.title}. Management self-assessment.` },
    {
      t: 'table',
      caption: '',
      plain: true,
      columns: [
        { label: 'Item', weight: 1 },
        { label: 'Value', weight: 3.4 },
      ],
      rows: [
        ['Period', `${shortInstant(model.period.from)} (included) to ${shortInstant(model.period.to)} (excluded)`],
        ...(model.period.to === model.period.requested_to
          ? []
          : [
              [
                'Asked for up to',
                `${shortInstant(model.period.requested_to)}; cut to what every source has delivered and sealed (gate G5)`,
              ],
            ]),
        [
          'Ledger',
          `${model.snapshot.origin}, tree size ${model.snapshot.tree_size}, sealed ${shortInstant(new Date(model.snapshot.sealed_at / 1000).toISOString())}`,
        ],
        ['Framework text', catalogue.framework.source],
        ['Packet', model.packet_id],
        ['Content digest', `${context.contentDigest} (SHA-256 of packet.json)`],
        [
          'Seal',
          `Ed25519 over the whole file by ${model.snapshot.vkey.split('+')[0] ?? ''}; no certificate signature, no time-stamp authority`,
        ],
        ['Made by', `${model.program.name} ${model.program.version}; engine ${model.engine.name} ${model.engine.version}`],
      ],
    },
    { t: 'heading', level: 2, text: 'Verdicts' },
    { t: 'strip', counts: countVerdicts(model.controls.map(({ verdict }) => verdict)) },
    ...failed.map((gate): Block => ({
      t: 'banner',
      tone: gate.verdict === 'FINDING' ? 'alarm' : 'caution',
      title: `Gate ${gate.id} ${gate.title}: ${gate.verdict}`,
      text: `${gate.reasons.slice(0, 3).join(' ')}${gate.reasons.length > 3 ? ` And ${gate.reasons.length - 3} more, see Population and integrity.` : ''}`,
    })),
    ...(failed.length > 0
      ? []
      : [
          {
            t: 'banner',
            tone: 'calm',
            title: 'Gates G1 to G6 hold',
            text: 'Continuity, chain, population, clock, watermark and mandatory fields were checked before any control.',
          } as const,
        ]),
    {
      t: 'paragraph',
      style: 'muted',
      text: 'This packet is tamper-evident. It supports examination; it does not replace the judgement of an examiner or auditor.',
    },
  ];
  return { title: 'Cover', newPage: true, blocks };
}

export function contentsSection(): Section {
  return { title: '', newPage: true, blocks: [{ t: 'heading', level: 1, text: 'Contents' }, { t: 'contents' }] };
}

export function readingGuideSection(context: Context): Section {
  return {
    title: 'Reading guide',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Reading guide' },
      { t: 'paragraph', text: context.catalogue.framework.standing },
      { t: 'heading', level: 2, text: 'Verdicts' },
      {
        t: 'table',
        caption: 'What each verdict means',
        rowHeaders: true,
        columns: [
          { label: 'Verdict', weight: 1 },
          { label: 'Meaning', weight: 4 },
        ],
        rows: [
          [
            'PASS',
            'The population is not empty, the query for exceptions found none, and every gate the control rests on holds. Only the determinations named beside it are covered.',
          ],
          [
            'FINDING',
            'At least one exception, or a failed gate that is itself a finding. Every exception is listed, or counted with the complete list attached.',
          ],
          ['INCONCLUSIVE', 'Data that would be needed is missing, or a gate does not hold.'],
          ['NO ACTIVITY', 'The population is empty: there was nothing to examine.'],
          ['NOT APPLICABLE', 'A signed rationale says so.'],
          ['MANUAL', 'Lies outside the ledger and is judged by people; the numbers are shown as material.'],
        ],
      },
      { t: 'heading', level: 2, text: 'Method letters' },
      {
        t: 'paragraph',
        text: 'E (EXAMINE): a query over the ledger. T (TEST): a drill exercised the mechanism in the period. I (INTERVIEW) is never automated; the sign-off page has room for it.',
      },
      { t: 'heading', level: 2, text: 'Numbers' },
      {
        t: 'paragraph',
        text: `A name in brackets, such as ${queryMark('attribution')}, is the query a number comes from. Appendix A prints every query with literal values: pasted into the SQL endpoint it gives the same number for as long as the ledger exists, because it reads only records below tree size ${context.model.snapshot.tree_size}.`,
      },
      { t: 'heading', level: 2, text: 'Checking this packet offline' },
      {
        t: 'list',
        items: [
          'Get the log’s public key from the institution on another way than this file.',
          'Run: affiant verify packet.pdf --key FILE. It needs no network and nothing of the institution’s systems.',
          'It checks the seal over every byte, the digests of all attachments, the signature of the checkpoint, the inclusion proof of every cited event, and that pages and verdicts follow from the attached query results.',
          'By hand: verify.md (attached) gives each step with standard tools.',
          'To check the records themselves, run the queries of Appendix A, or recompute the tree from the raw events (queries g2-payloads and g2-leaves).',
        ],
      },
    ],
  };
}

export function summarySection(context: Context): Section {
  const { model, catalogue } = context;
  const rank = ['FINDING', 'INCONCLUSIVE', 'MANUAL', 'NO ACTIVITY', 'NOT APPLICABLE', 'PASS'];
  const ranked = [...model.controls].sort((a, b) => rank.indexOf(a.verdict) - rank.indexOf(b.verdict));
  const titles = new Map(catalogue.controls.map((control) => [control.id, control.title]));
  return {
    title: 'Executive summary',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Executive summary' },
      {
        t: 'paragraph',
        text: `The period holds ${show(context.results.cell('scope-totals', 'exchanges'))} exchanges of ${show(context.results.cell('scope-totals', 'principals'))} principals in ${show(context.results.cell('scope-totals', 'sessions'))} sessions over ${show(context.results.cell('scope-totals', 'connections'))} connections ${queryMark('scope-totals')}. ${model.controls.length} ${model.framework === 'ffiec' ? 'objectives' : 'controls'} were examined.`,
      },
      {
        t: 'table',
        caption: 'Verdicts, findings first',
        rowHeaders: true,
        columns: [
          { label: 'Id', weight: 1.1 },
          { label: 'Title', weight: 2 },
          { label: 'Verdict', weight: 1.1 },
          { label: 'Reason', weight: 4.2 },
        ],
        rows: ranked.map((control) => [control.id, titles.get(control.id) ?? '', control.verdict, control.reasons.join(' ')]),
      },
      { t: 'heading', level: 2, text: 'What this packet does not cover' },
      {
        t: 'list',
        items: [
          'Traffic that never reached the gateway: see Coverage and bypass.',
          'Policy, training, contracts, incident register, retention schedule, board reporting, and the review of records by people.',
          'The truth of what a principal or an issuer states; records show what was verified and when.',
          'Incidents and third-party registers: no such register is connected, so those sections are left out and not claimed.',
        ],
      },
    ],
  };
}

export function scopeSection(context: Context): Section {
  const { snapshot } = context.model;
  return {
    title: 'Scope and boundary',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Scope and boundary' },
      {
        t: 'paragraph',
        text: 'In scope is what agents and their SDKs send through the gateway: agent → gateway (identify, inspect, decide, hold, mask, record) → provider or target. The record is written durably before a call is forwarded. Out of scope is every path that does not pass the gateway.',
      },
      resultTable(context, 'scope-connections', [
        { column: 'connection', label: 'Connection', weight: 1.5 },
        { column: 'protocol', label: 'Protocol' },
        { column: 'exchanges', label: 'Exchanges', align: 'right' },
        { column: 'principals', label: 'Principals', align: 'right' },
        { column: 'upstream_errors', label: 'Upstream errors', align: 'right' },
        { column: 'first_use', label: 'First use', weight: 1.8 },
        { column: 'last_use', label: 'Last use', weight: 1.8 },
      ]),
      resultTable(context, 'scope-models', [
        { column: 'model_named', label: 'Model', weight: 2 },
        { column: 'connection', label: 'Connection', weight: 1.5 },
        { column: 'exchanges', label: 'Exchanges', align: 'right' },
        { column: 'not_completed', label: 'Not completed', align: 'right' },
        { column: 'input_tokens', label: 'Input tokens', align: 'right' },
        { column: 'output_tokens', label: 'Output tokens', align: 'right' },
      ]),
      resultTable(context, 'scope-principals', [
        { column: 'principal_subject', label: 'Principal', weight: 1.6 },
        { column: 'principal_kind', label: 'Kind' },
        { column: 'principal_issuer', label: 'Issuer', weight: 1.9 },
        { column: 'exchanges', label: 'Exchanges', align: 'right' },
        { column: 'first_seen', label: 'First seen', weight: 1.8 },
        { column: 'last_seen', label: 'Last seen', weight: 1.8 },
      ]),
      resultTable(context, 'scope-builds', [
        { column: 'source_id', label: 'Source', weight: 1.6 },
        { column: 'build', label: 'Build' },
        { column: 'events', label: 'Events', align: 'right' },
        { column: 'first_event', label: 'First event', weight: 1.8 },
        { column: 'last_event', label: 'Last event', weight: 1.8 },
      ]),
      {
        t: 'paragraph',
        style: 'muted',
        text: `Snapshot: round ${snapshot.round} of ${snapshot.origin}, tree size ${snapshot.tree_size}, root ${snapshot.root_hash}.`,
      },
    ],
  };
}
