import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import { printJson, printTable, say } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

type Row = Record<string, unknown>;

interface PlaceOptions extends CommonOptions {
  readonly reason?: string;
  readonly from?: string;
  readonly to?: string;
  readonly session?: string;
  readonly principal?: string;
  readonly connection?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

export const addHolds: AddCommand = (program) => {
  const holds = program.command('holds').description('Legal holds: records that retention must not drop');

  online(holds.command('list'))
    .description('Holds, newest first')
    .option('--status <state>', 'placed or released')
    .action(async (options: CommonOptions & { status?: string }) => {
      const filter = options.status === undefined ? '' : `?${new URLSearchParams({ state: options.status })}`;
      const { holds: rows } = await (await Instance.connect(options)).get<{ holds: Row[] }>(`/api/v1/holds${filter}`);
      if (options.json === true) return printJson(rows);
      printTable(rows.map(flat), ['id', 'state', 'by', 'placed', 'scope', 'reason']);
    });

  online(holds.command('place'))
    .description('Keep every record that fits all that is given; nothing of it is dropped until somebody else releases the hold')
    .option('--reason <text>', 'why; always needed')
    .option('--from <time>', 'ISO 8601 instant or day (UTC), included')
    .option('--to <time>', 'ISO 8601 instant or day (UTC), excluded')
    .option('--session <id>', 'one session')
    .option('--principal <subject>', 'one principal')
    .option('--connection <name>', 'one connection')
    .action(async (options: PlaceOptions) => {
      const { reason, from, to, session, principal, connection } = options;
      needReason(reason);
      const body = { reason, from: instant(from), to: instant(to), session, principal, connection };
      const { hold, late, erasing } = await (
        await Instance.connect(options)
      ).post<{ hold: Row; late: Row[]; erasing: string[] }>('/api/v1/holds', body);
      if (options.json === true) return printJson({ hold, late, erasing });
      process.stdout.write(`${String(hold['id'])} placed\n`);
      for (const drop of late) say(`too late for ${String(drop['id'])}: that drop had begun before this hold`);
      for (const id of erasing) say(`too late for the erasure ${id}: it had begun before this hold`);
    });

  online(holds.command('release'))
    .description('End a hold that another person placed')
    .argument('<id>')
    .option('--reason <text>', 'why; always needed')
    .action(async (id: string, options: CommonOptions & { reason?: string }) => {
      needReason(options.reason);
      const { hold } = await (
        await Instance.connect(options)
      ).post<{ hold: Row }>(`/api/v1/holds/${encodeURIComponent(id)}/release`, { reason: options.reason });
      if (options.json === true) printJson(hold);
      else process.stdout.write(`${id} released\n`);
    });

  const retention = program.command('retention').description('What the ledger drops when its time is over');

  online(retention.command('plan'))
    .description('What would go, what stays and why')
    .action(async (options: CommonOptions) => {
      const { plan, drops } = await (await Instance.connect(options)).get<{ plan: Row[]; drops: Row[] }>('/api/v1/retention');
      if (options.json === true) return printJson({ plan, drops });
      const rows = plan.map((row) => ({
        ...row,
        due: new Date(Number(row['due_at'])).toISOString(),
        holds: (row['holds'] as string[]).join(' '),
      }));
      printTable(rows, ['partition', 'record_class', 'rows', 'verdict', 'due', 'holds']);
    });

  online(retention.command('drops'))
    .description('What was dropped, what is being dropped, and what a hold stopped')
    .action(async (options: CommonOptions) => {
      const { drops } = await (await Instance.connect(options)).get<{ drops: Row[] }>('/api/v1/retention');
      if (options.json === true) return printJson(drops);
      printTable(drops, ['id', 'state', 'rows', 'policy_digest']);
    });
};

function flat(row: Row): Row {
  const scope = Object.entries(row['scope'] as Row).filter(([, value]) => value !== null);
  const text = scope.map(([name, value]) => `${name}=${typeof value === 'number' ? new Date(value).toISOString() : String(value)}`);
  return {
    ...row,
    by: (row['placed_by'] as Row)['subject'],
    placed: new Date(Number(row['placed_at'])).toISOString(),
    scope: text.join(' '),
  };
}

function needReason(reason: string | undefined): void {
  if (reason === undefined || reason.trim() === '') throw new AffiantError('usage_invalid', 'a hold needs --reason');
}

const instant = (text: string | undefined): string | undefined => (text !== undefined && DAY.test(text) ? `${text}T00:00:00Z` : text);
