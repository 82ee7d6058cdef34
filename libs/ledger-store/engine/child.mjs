/**
 * The process the embedded ClickHouse engine lives in. Plain JavaScript beside the sources, so that it runs the same from a test and
 * from the build. argv[2] is a JSON array: the arguments of `clickhouse local`.
 *
 * The call below blocks until the engine's last statement ends. That statement reads standard input, a pipe from our parent: when the
 * parent closes it, or dies by any signal, the read ends and the engine shuts down by itself. Nothing here may touch process.stdin.
 * With a query still running the engine would take its time and keep the data directory from the next start, so a second pipe (fd 3),
 * which only the parent's death closes, is watched beside it and cuts that short. Acknowledged inserts are fsynced by then.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { DataType, load, open } from 'ffi-rs';

const WATCH = `
const { Socket } = require('node:net');
const parent = new Socket({ fd: 3, readable: true, writable: false });
const gone = () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500);
parent.once('close', gone).once('error', () => undefined).resume();
`;
const watcher = new Worker(WATCH, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 } });
await new Promise((resolve) => watcher.once('online', resolve));

const { libchdbPath } = createRequire(import.meta.url)('chdb/libchdb');
const argv = JSON.parse(process.argv[2] ?? '[]');
open({ library: 'chdb', path: libchdbPath() });
load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.Void,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
});
// The engine's own threads do not survive a normal exit well; its data is already on disk.
process.exit(0);
