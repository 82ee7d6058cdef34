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
      const steps = replayed(instance, id);
      if (options.json === true) return printReplay(id, steps);
      for await (const step of steps) await play(step, options.paced === true);
    });
};

/** Page after page: a long session does not fit one answer. */
async function* replayed(instance: Instance, id: string): AsyncGenerator<ReplayStep> {
  for (let after: string | null = ''; after !== null;) {
    const path: string = `/api/v1/sessions/${encodeURIComponent(id)}/replay?after=${encodeURIComponent(after)}`;
    const page: { steps: ReplayStep[]; next: string | null } = await instance.get(path);
    yield* page.steps;
    after = page.next;
  }
}

/** One document, written as it comes: all steps may be more than a string can be. */
async function printReplay(id: string, steps: AsyncIterable<ReplayStep>): Promise<void> {
  let before = `{"session_id":${JSON.stringify(id)},"steps":[\n`;
  for await (const step of steps) {
    process.stdout.write(before + JSON.stringify(step));
    before = ',\n';
  }
  process.stdout.write('\n]}\n');
}

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
