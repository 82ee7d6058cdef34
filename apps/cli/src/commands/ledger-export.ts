import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Instance } from '../instance.js';
import { printJson, say } from '../output.js';
import { answerLines, ROW_TABLES } from '../verify/rows.js';
import { online, type CommonOptions } from './options.js';

const NEWLINE = Buffer.from('\n');

/** `ledger export`: what `affiant verify --events DIR` reads, so that a check needs no running instance. The export is recorded like any query. */
export function addExport(ledger: Command): void {
  online(ledger.command('export'))
    .description('Write the rows of the ledger store that `affiant verify --events` compares with the log')
    .requiredOption(
      '--to <dir>',
      'directory for a .ndjson file each of events, leaves, leaf_runs, checkpoints and anchors; made when it is not there',
    )
    .action(async (options: CommonOptions & { to: string }) => {
      const instance = await Instance.connect(options);
      await mkdir(options.to, { recursive: true });
      const counts: Record<string, number> = {};
      // Checkpoints last: leaves and events of a round are there before its checkpoint.
      for (const table of ROW_TABLES) {
        const file = createWriteStream(join(options.to, `${table}.ndjson`), { flags: 'wx', mode: 0o600 });
        await once(file, 'open');
        let count = 0;
        for await (const lines of answerLines(instance, table)) {
          count += lines.length;
          if (!file.write(Buffer.concat(lines.flatMap((line) => [line, NEWLINE])))) await once(file, 'drain');
        }
        file.end();
        await once(file, 'finish');
        counts[table] = count;
        say(`${table}: ${count} rows`);
      }
      if (options.json === true) printJson(counts);
    });
}
