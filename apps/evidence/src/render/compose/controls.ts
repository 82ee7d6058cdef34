import type { Control, FigureSpec } from '../../catalog/control.js';
import type { ControlResult } from '../../model/packet.js';
import type { Block, Section, TableBlock } from '../blocks.js';
import { plainResultTable, queryMark, show, type Context } from './context.js';

/** Exceptions printed on the page; the rest is in the exhibit. */
const PRINTED_EXCEPTIONS = 20;
const PRINTED_SAMPLE = 5;

/** One section per booklet or family, one sub-section per objective or control. */
export function controlSections(context: Context): Section[] {
  const groups = [...new Set(context.catalogue.controls.map(({ group }) => group))];
  return groups.map((group) => ({
    title: group,
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: group },
      ...context.catalogue.controls
        .filter((control) => control.group === group)
        .flatMap((control) => {
          const result = context.model.controls.find(({ id }) => id === control.id);
          return result === undefined ? [] : controlBlocks(context, control, result);
        }),
    ],
  }));
}

function controlBlocks(context: Context, control: Control, result: ControlResult): Block[] {
  const check = context.catalogue.check(control.check);
  const number = (figure: FigureSpec): string => show(context.results.cell(figure.query, figure.column));
  const exceptions = context.results.number(check.exceptions.query, check.exceptions.column);
  const methods = result.methods.map((method) => method.slice(0, 1)).join(', ');
  return [
    { t: 'heading', level: 2, text: `${control.id} ${control.title}`, verdict: result.verdict },
    { t: 'paragraph', text: control.objective },
    { t: 'paragraph', style: 'muted', text: `What the gateway does: ${control.statement}` },
    {
      t: 'table',
      caption: '',
      plain: true,
      columns: [
        { label: 'Item', weight: 1 },
        { label: 'Value', weight: 4 },
      ],
      rows: [
        ['Verdict', `${result.verdict}. ${result.reasons.join(' ')}`],
        [
          'Method',
          `${methods}${result.methods.includes('TEST') ? ` (drill ${control.drill ?? ''})` : ''}${control.testable ? '' : ' (the assessment procedure has no TEST method)'}`,
        ],
        [
          'Population',
          `${number(check.population)} ${check.population.label} ${queryMark(check.population.query, check.population.column)}`,
        ],
        [
          'Exceptions',
          `${number(check.exceptions)} ${check.exceptions.label} ${queryMark(check.exceptions.query, check.exceptions.column)}`,
        ],
        ...(check.figures.length > 0 ? [['Of these', check.figures.map((figure) => `${figure.label}: ${number(figure)}`).join('; ')]] : []),
        ['Rests on gates', control.gates.map((id) => `${id} ${result.blocked_by.includes(id) ? '(does not hold)' : ''}`.trim()).join(', ')],
        ['Limits', control.limits],
      ],
    },
    ...(exceptions > 0 && check.exceptionRows !== null && context.results.has(check.exceptionRows)
      ? [plainResultTable(context, check.exceptionRows, PRINTED_EXCEPTIONS)]
      : []),
    ...(exceptions === 0 && check.sampleRows !== null && context.results.run(check.sampleRows).rows.length > 0
      ? [plainResultTable(context, check.sampleRows, PRINTED_SAMPLE)]
      : []),
    {
      t: 'table',
      caption: '',
      plain: true,
      minRowHeight: 30,
      columns: [
        { label: 'Box', weight: 1 },
        { label: 'Text', weight: 4 },
      ],
      rows: [['Management response', '']],
    },
  ];
}

export function approvalsSection(context: Context): Section {
  return {
    title: 'Decisions and approvals',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Decisions and approvals' },
      {
        t: 'paragraph',
        text: 'A held call waits for people. One approval is one forward of exactly what was approved; nobody decides their own call; both answers need a reason.',
      },
      plainResultTable(context, 'approval-states', 60),
      plainResultTable(context, 'sample-approvals', 60),
    ],
  };
}

export function dataSection(context: Context): Section {
  return {
    title: 'Data protection',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Data protection' },
      {
        t: 'paragraph',
        text: 'The trail keeps masked bodies and a keyed digest of each original, never the original. Numbers are values that a detector found and a policy had replaced.',
      },
      plainResultTable(context, 'masks-by-connection', 60),
      figureTable(context, 'Kept bodies', ['kept-bodies', 'residual-ssn']),
      {
        t: 'paragraph',
        style: 'muted',
        text: 'Recall of the detectors is measured with the product on public data; values no detector recognised are not counted here.',
      },
    ],
  };
}

/** Population, exceptions and figures of examinations, one per row with the cell it comes from. */
function figureTable(context: Context, caption: string, checks: readonly string[]): TableBlock {
  const figures = checks
    .map((id) => context.catalogue.check(id))
    .flatMap((check) => [check.population, check.exceptions, ...check.figures]);
  return {
    t: 'table',
    caption,
    rowHeaders: true,
    columns: [
      { label: 'Figure', weight: 3 },
      { label: 'Number', weight: 0.7, align: 'right' },
      { label: 'Query: column', weight: 2.4 },
    ],
    rows: figures.map((figure) => [
      figure.label,
      show(context.results.cell(figure.query, figure.column)),
      `${figure.query}: ${figure.column}`,
    ]),
  };
}

export function changeSection(context: Context): Section {
  return {
    title: 'Change',
    newPage: true,
    blocks: [
      { t: 'heading', level: 1, text: 'Change' },
      { t: 'paragraph', text: 'Every published policy is an event with its full text; its digest is what decisions name.' },
      plainResultTable(context, 'change-policies', 40),
      plainResultTable(context, 'change-events', 60),
      plainResultTable(context, 'access-readers', 60),
    ],
  };
}
