import { Instance } from '../instance.js';
import { printFields, printJson, printTable } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

type Row = Record<string, unknown>;

interface ReplayStep {
  readonly exchange: Row;
  readonly request_body: string | null;
  readonly response_body: string | null;
  readonly timeline: readonly { readonly at_us: number; readonly bytes: number }[];
}

export const addSessions: AddCommand = (program) => {
  const sessions = program.command('sessions').description('Sessions of agents, from the ledger');

  online(sessions.command('list'))
    .description('The latest sessions')
    .option('--limit <n>', 'how many', '50')
    .action(async (options: CommonOptions & { limit: string }) => {
      const instance = await Instance.connect(options);
      const { sessions: rows } = await instance.get<{ sessions: Row[] }>(`/api/v1/sessions?limit=${encodeURIComponent(options.limit)}`);
      if (options.json === true) printJson(rows);
      else
        printTable(rows, [
          'session_id',
          'connection',
          'principal_subject',
          'started_at',
          'last_at',
          'exchanges',
          'blocked',
          'held',
          'masked_values',
        ]);
    });

  online(sessions.command('show'))
    .description('One session and its exchanges')
    .argument('<id>')
    .action(async (id: string, options: CommonOptions) => {
      const instance = await Instance.connect(options);
      const session = await instance.get<{ parts: Row[]; exchanges: Row[] }>(`/api/v1/sessions/${encodeURIComponent(id)}`);
      if (options.json === true) return printJson(session);
      for (const part of session.parts) printFields(part);
      printTable(session.exchanges, [
        'started_at',
        'exchange_id',
        'operation',
        'model',
        'verdict',
        'outcome',
        'status',
        'request_masks',
        'response_masks',
      ]);
    });

  online(sessions.command('replay'))
    .description('What was sent and what came back, masked; the replay is recorded')
    .argument('<id>')
    .option('--paced', 'wait as long between the pieces of a response as the client did')
    .action(async (id: string, options: CommonOptions & { paced?: boolean }) => {
      const instance = await Instance.connect(options);
      const replay = await instance.get<{ steps: ReplayStep[] }>(`/api/v1/sessions/${encodeURIComponent(id)}/replay`);
      if (options.json === true) return printJson(replay);
      for (const step of replay.steps) await play(step, options.paced === true);
    });
};

async function play(step: ReplayStep, paced: boolean): Promise<void> {
  const { exchange } = step;
  process.stdout.write(
    `\n=== ${String(exchange['exchange_id'])} ${String(exchange['started_at'])} ${String(exchange['verdict'])} ${String(exchange['outcome'])}\n`,
  );
  process.stdout.write(`>>> request\n${step.request_body ?? ''}\n<<< response\n`);
  const body = Buffer.from(step.response_body ?? '');
  let sent = 0;
  let at = 0;
  for (const { at_us, bytes } of step.timeline) {
    if (paced) await new Promise((resolve) => setTimeout(resolve, Math.max(0, (at_us - at) / 1000)));
    at = at_us;
    process.stdout.write(body.subarray(sent, sent + bytes));
    sent += bytes;
  }
  process.stdout.write(body.subarray(sent));
  process.stdout.write('\n');
}
