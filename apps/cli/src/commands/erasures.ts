import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import { printJson, printTable, say } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

type Row = Record<string, unknown>;

interface RequestOptions extends CommonOptions {
  readonly session: string;
  readonly reason?: string;
  readonly basis?: string;
}

export const addErasures: AddCommand = (program) => {
  online(program.command('erase'))
    .description('Request that the content of a session is erased: its keys are destroyed once another person approves. Proofs stay valid')
    .requiredOption('--session <id>', 'the session, as it stands in audit.sessions')
    .option('--reason <text>', 'why; always needed')
    .option('--basis <text>', 'the legal basis; always needed')
    .action(async ({ session, reason, basis, ...options }: RequestOptions) => {
      needText(reason, '--reason');
      needText(basis, '--basis');
      const { erasure, content } = await (
        await Instance.connect(options)
      ).post<{ erasure: Row; content: { keys: string[]; events: number; unsealed: number } }>('/api/v1/erasures', {
        session,
        reason,
        basis,
      });
      if (options.json === true) return printJson({ erasure, content });
      process.stdout.write(`${String(erasure['id'])} requested: ${content.events} events under ${content.keys.length} keys\n`);
      if (content.unsealed > 0)
        say(`${content.unsealed} events of the session are from before content was sealed: what they carry is not erased by this`);
      say(`Now another person: affiant erasures approve ${String(erasure['id'])} --reason ...`);
    });

  const erasures = program.command('erasures').description('Erasures of the content of sessions');

  online(erasures.command('list'))
    .description('Erasures, newest first')
    .option('--status <state>', 'requested, intended, erasing, erased, abandoned or withdrawn')
    .action(async (options: CommonOptions & { status?: string }) => {
      const filter = options.status === undefined ? '' : `?${new URLSearchParams({ state: options.status })}`;
      const { erasures: rows } = await (await Instance.connect(options)).get<{ erasures: Row[] }>(`/api/v1/erasures${filter}`);
      if (options.json === true) return printJson(rows);
      printTable(rows.map(flat), ['id', 'state', 'session', 'requested', 'by', 'approved', 'keys', 'reason']);
    });

  for (const [verb, done] of [
    ['approve', 'approved: it is carried out now, unless a hold stops it'],
    ['withdraw', 'withdrawn'],
  ] as const)
    online(erasures.command(verb))
      .description(verb === 'approve' ? 'Agree to an erasure that another person requested' : 'End a request that nobody has approved')
      .argument('<id>')
      .option('--reason <text>', 'why; always needed')
      .action(async (id: string, options: CommonOptions & { reason?: string }) => {
        needText(options.reason, '--reason');
        const { erasure } = await (
          await Instance.connect(options)
        ).post<{ erasure: Row }>(`/api/v1/erasures/${encodeURIComponent(id)}/${verb}`, { reason: options.reason });
        if (options.json === true) printJson(erasure);
        else process.stdout.write(`${id} ${done}\n`);
      });
};

function flat(row: Row): Row {
  return {
    ...row,
    requested: new Date(Number(row['requested_at'])).toISOString(),
    by: (row['requested_by'] as Row)['subject'],
    approved: (row['approved_by'] as Row | null)?.['subject'] ?? '',
    keys: (row['key_ids'] as string[]).length,
  };
}

function needText(text: string | undefined, option: string): void {
  if (text === undefined || text.trim() === '') throw new AffiantError('usage_invalid', `an erasure needs ${option}`);
}
