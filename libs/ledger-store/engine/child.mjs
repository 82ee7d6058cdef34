/**
 * The process the embedded ClickHouse engine lives in. Plain JavaScript beside the sources, so that it runs the same from a test and
 * from the build. argv[2] is a JSON array: the arguments of `clickhouse local`.
 *
 * The call below blocks until the engine's last statement ends. That statement reads standard input, which is a pipe from our parent:
 * when the parent closes it, or dies by any signal, the read ends and the engine shuts down. Nothing here may touch process.stdin.
 */
import { createRequire } from 'node:module';
import { DataType, load, open } from 'ffi-rs';

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
