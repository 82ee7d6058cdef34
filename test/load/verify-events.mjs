// How fast `affiant verify --events` is: the whole log recomputed, then every row of the ledger store compared with it, each event decoded from its
// exact bytes. One thread, from files as `affiant ledger export` writes them; the engine is not counted.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRows } from '../../dist/apps/cli/src/verify/rows.js';
import { checkRows, ROW_QUERIES } from '../../dist/apps/ledger/src/check/index.js';
import { checkLog, DirectorySource, policyOfVkey } from '../../dist/libs/verify/src/index.js';

const SLICE = 10_000;

/**
 * @param {{store: {query(sql: string): Promise<object[]>}, tiles: string, note: string, vkey: string}} ledger a sealed ledger
 * @returns {Promise<{events: number, seconds: number, cpuSeconds: number, eventsPerCpuSecond: number, eventsPerSecond: number}>}
 */
export async function verifyEvents({ store, tiles, note, vkey }) {
  const directory = mkdtempSync(join(tmpdir(), 'affiant-verify-events-'));
  try {
    for (const [table, sql] of Object.entries(ROW_QUERIES)) {
      const file = openSync(join(directory, `${table}.ndjson`), 'wx');
      for (let from = 0; ; from += SLICE) {
        const rows = await store.query(`SELECT * FROM (${sql}) LIMIT ${SLICE} OFFSET ${from}`);
        writeSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
        if (rows.length < SLICE) break;
      }
      closeSync(file);
    }
    const source = new DirectorySource(tiles);
    const policy = policyOfVkey(vkey);
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const log = await checkLog(source, { policy, checkpoint: { name: 'checkpoint', note } });
    const report = await checkRows(source, log.checkpoint?.size ?? 0, policy, await openRows(directory, {}));
    const seconds = (performance.now() - startedAt) / 1000;
    const used = process.cpuUsage(cpu);
    const wrong = [...log.findings, ...report.findings.list][0];
    if (wrong !== undefined) throw new Error(`${wrong.code} ${wrong.where}: ${wrong.message}`);
    const cpuSeconds = (used.user + used.system) / 1e6;
    const { events } = report;
    return { events, seconds, cpuSeconds, eventsPerCpuSecond: events / cpuSeconds, eventsPerSecond: events / seconds };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
