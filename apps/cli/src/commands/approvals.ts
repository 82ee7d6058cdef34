import type { Command } from 'commander';
import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import { printFields, printJson, printTable } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

type Row = Record<string, unknown>;

export const addApprovals: AddCommand = (program) => {
  const approvals = program.command('approvals').description('Calls that wait for a person');

  online(approvals.command('list'))
    .description('The latest approvals')
    .option('--status <state>', 'pending, granted, denied, expired or released')
    .option('--limit <n>', 'how many', '50')
    .action(async (options: CommonOptions & { status?: string; limit: string }) => {
      const filter = new URLSearchParams({ limit: options.limit, ...(options.status === undefined ? {} : { state: options.status }) });
      const { approvals: rows } = await (await Instance.connect(options)).get<{ approvals: Row[] }>(`/api/v1/approvals?${filter}`);
      if (options.json === true) return printJson(rows);
      printTable(
        rows.map((row) => ({
          ...row,
          requester: (row['requester'] as Row | undefined)?.['subject'],
          expires_at: new Date(Number(row['expires_at'])).toISOString(),
        })),
        ['id', 'state', 'requester', 'connection', 'policy', 'approver_group', 'expires_at', 'summary'],
      );
    });

  online(approvals.command('show'))
    .description('One approval: who, what, why it was stopped, what would run')
    .argument('<id>')
    .action(async (id: string, options: CommonOptions) => {
      const { approval } = await (await Instance.connect(options)).get<{ approval: Row }>(`/api/v1/approvals/${encodeURIComponent(id)}`);
      if (options.json === true) printJson(approval);
      else printFields(approval);
    });

  for (const verdict of ['approve', 'deny'] as const) decide(approvals, verdict);
};

function decide(approvals: Command, verdict: 'approve' | 'deny'): void {
  online(approvals.command(verdict))
    .description(`${verdict === 'approve' ? 'Approve' : 'Deny'} a held call`)
    .argument('<id>')
    .option('--reason <text>', 'why; always needed')
    .action(async (id: string, options: CommonOptions & { reason?: string }) => {
      if (options.reason === undefined || options.reason.trim() === '')
        throw new AffiantError('usage_invalid', 'a decision needs --reason');
      const instance = await Instance.connect(options);
      const { approval } = await instance.post<{ approval: Row }>(`/api/v1/approvals/${encodeURIComponent(id)}/${verdict}`, {
        reason: options.reason,
      });
      if (options.json === true) printJson(approval);
      else process.stdout.write(`${String(approval['id'])} ${String(approval['state'])}\n`);
    });
}
