import { Instance } from '../instance.js';
import { pipeToStdout } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

export const addSql: AddCommand = (program) => {
  online(program.command('sql'))
    .description('Query the audit history (docs/guide/ask-sql.md); every query is itself recorded')
    .argument('<query>', 'one SELECT, or - to read it from stdin')
    .option('--format <name>', 'any ClickHouse output format (default: PrettyCompact, or JSON with --json)')
    .action(async (query: string, options: CommonOptions & { format?: string }) => {
      const instance = await Instance.connect(options);
      const format = options.format ?? (options.json === true ? 'JSON' : 'PrettyCompactMonoBlock');
      const text = query === '-' ? await readStdin() : query;
      await pipeToStdout(await instance.send(`/sql?default_format=${encodeURIComponent(format)}`, { method: 'POST', body: text }));
    });
};

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
