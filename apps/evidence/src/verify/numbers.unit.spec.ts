import { expect, it } from 'vitest';
import { sampleModel } from '../testing/sample-model.js';
import { checkPacketNumbers } from './numbers.js';

it('reports exactly the queries whose answer changed', async () => {
  const model = sampleModel();
  const packetJson = JSON.stringify(model);
  const answer = (changed: string | null) => async (sql: string) => {
    const run = model.runs.find((one) => one.sql === sql);
    if (run === undefined) throw new Error('unknown query');
    return run.id === changed ? { columns: run.columns, rows: [[1, 2, 3]] } : { columns: run.columns, rows: run.rows };
  };
  expect(await checkPacketNumbers(packetJson, answer(null))).toEqual({ ok: true, queries: model.runs.length, differences: [] });
  const report = await checkPacketNumbers(packetJson, answer('exchange-checks'));
  expect(report.ok).toBe(false);
  expect(report.differences.map(({ query }) => query)).toEqual(['exchange-checks']);
});
