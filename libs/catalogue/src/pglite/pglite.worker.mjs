// Worker thread that owns the embedded PostgreSQL (PGlite), so that its WebAssembly never holds the data path's event loop.
// Plain JavaScript, because it is started from both the sources (tests) and the build.
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite, types } from '@electric-sql/pglite';

// A small catalogue with one session: PostgreSQL's own defaults would take 150 MB more.
const SMALL = ['shared_buffers=4MB', 'wal_buffers=256kB', 'max_connections=4'].flatMap((setting) => ['-c', setting]);

const database = await PGlite.create({
  dataDir: workerData.directory,
  // int8 stays text, as node-postgres gives it: one behaviour for both sizes.
  parsers: { [types.INT8]: (value) => value },
  startParams: [...PGlite.defaultStartParams, ...SMALL],
});
parentPort.postMessage({ ready: true });

parentPort.on('message', async ({ id, sql, params, close }) => {
  try {
    if (close) {
      await database.close();
      parentPort.postMessage({ id, rows: [], affected: 0 });
      parentPort.close();
      return;
    }
    if (params.length === 0) {
      const results = await database.exec(sql);
      const last = results.at(-1);
      parentPort.postMessage({ id, rows: last?.rows ?? [], affected: last?.affectedRows ?? 0 });
    } else {
      const { rows, affectedRows } = await database.query(sql, params);
      parentPort.postMessage({ id, rows, affected: affectedRows ?? 0 });
    }
  } catch (error) {
    parentPort.postMessage({ id, error: { message: error.message, code: error.code, detail: error.detail, constraint: error.constraint } });
  }
});
