import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import { printJson, printTable, say } from '../output.js';
import { putIn, replayOf, type Opened } from '../unsealed-text.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

type Row = Record<string, unknown>;

export const addUnseal: AddCommand = (program) => {
  const unseal = program.command('unseal').description('Originals that policy keeps sealed: two people and a reason open them');

  online(unseal.command('request'))
    .description('Request the originals of an exchange or a session; another person then approves or denies it')
    .option('--exchange <id>', 'one exchange')
    .option('--session <id>', 'all of a session')
    .option('--reason <text>', 'why; always needed')
    .action(async ({ exchange, session, reason, ...options }: CommonOptions & { exchange?: string; session?: string; reason?: string }) => {
      if ((exchange === undefined) === (session === undefined))
        throw new AffiantError('usage_invalid', 'give either --exchange or --session');
      needReason(reason);
      const asked = { ...(exchange === undefined ? { session } : { exchange }), reason };
      const { unsealing } = await (await Instance.connect(options)).post<{ unsealing: Row }>('/api/v1/unsealings', asked);
      if (options.json === true) return printJson(unsealing);
      process.stdout.write(`${String(unsealing['id'])} requested\n`);
      say(`Now another person: affiant unseal approve ${String(unsealing['id'])} --reason ...`);
    });

  online(unseal.command('list'))
    .description('Requests, newest first')
    .action(async (options: CommonOptions) => {
      const { unsealings } = await (await Instance.connect(options)).get<{ unsealings: Row[] }>('/api/v1/unsealings');
      if (options.json === true) return printJson(unsealings);
      printTable(unsealings.map(flat), ['id', 'state', 'session', 'exchange', 'requested', 'by', 'decided', 'reason']);
    });

  for (const verb of ['approve', 'deny'] as const)
    online(unseal.command(verb))
      .description(verb === 'approve' ? 'Agree to what another person requested' : 'Refuse what another person requested')
      .argument('<id>')
      .option('--reason <text>', 'why; always needed')
      .action(async (id: string, options: CommonOptions & { reason?: string }) => {
        needReason(options.reason);
        const { unsealing } = await (
          await Instance.connect(options)
        ).post<{ unsealing: Row }>(`/api/v1/unsealings/${encodeURIComponent(id)}/${verb}`, { reason: options.reason });
        if (options.json === true) return printJson(unsealing);
        process.stdout.write(
          verb === 'approve'
            ? `${id} approved: the requester may open it once, until ${new Date(Number(unsealing['expires_at'])).toISOString()}\n`
            : `${id} denied\n`,
        );
      });

  online(unseal.command('open'))
    .description('Fetch the originals of an approved request, once: values go to stdout and nowhere else')
    .argument('<id>')
    .option('--in-place', 'print the exchanges with the values put in; needs a reader of the ledger')
    .action(async (id: string, options: CommonOptions & { inPlace?: boolean }) => {
      const instance = await Instance.connect(options);
      // Before the values: they come once.
      const replay = options.inPlace === true ? await replayOf(instance, id) : null;
      const { opened, unsealing } = await instance.post<Opened>(`/api/v1/unsealings/${encodeURIComponent(id)}/open`, {});
      if (options.json === true) return printJson({ unsealing, opened });
      if (replay !== null) process.stdout.write(putIn(replay, opened));
      else
        printTable(
          opened.flatMap(({ exchange_id, direction, values }) => values.map((value) => ({ exchange: exchange_id, direction, ...value }))),
          ['exchange', 'direction', 'placeholder', 'value'],
        );
    });
};

function flat(row: Row): Row {
  return {
    ...row,
    requested: new Date(Number(row['requested_at'])).toISOString(),
    by: (row['requested_by'] as Row)['subject'],
    decided: (row['decided_by'] as Row | null)?.['subject'] ?? '',
  };
}

function needReason(reason: string | undefined): void {
  if (reason === undefined || reason.trim() === '') throw new AffiantError('usage_invalid', 'unsealing needs --reason');
}
