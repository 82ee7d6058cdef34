import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, startPostgres, type TestPostgres } from '../../../test/support/engines/postgres.mjs';
import { checkpointStoreContract, NEXT, STATE } from './contract/checkpoint-store.contract.js';
import { PostgresCheckpointStore } from './index.js';

describe.skipIf(!hasPostgres())('on a real PostgreSQL', () => {
  let postgres: TestPostgres;
  let logs = 0;
  const stores: PostgresCheckpointStore[] = [];
  const open = (log = `affiant.test/${(logs += 1)}`): PostgresCheckpointStore => {
    const store = new PostgresCheckpointStore({ url: postgres.url, log, timeoutMs: 5_000 });
    stores.push(store);
    return store;
  };
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await postgres.stop();
  });

  checkpointStoreContract('PostgreSQL', () => open());

  it('lets one of several processes win, the first use of an empty database included', async () => {
    const url = await postgres.createDatabase('racing');
    const racers = Array.from({ length: 6 }, () => new PostgresCheckpointStore({ url, log: 'race' }));
    stores.push(...racers);
    const first = await Promise.allSettled(racers.map((store, round) => store.replace(null, { ...STATE, round })));
    expect(first.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const held = (await racers[0]!.fetch())!;
    const second = await Promise.allSettled(racers.map((store, round) => store.replace(held, { ...held, sealed_at: round + 10 })));
    expect(second.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(second.filter((one) => one.status === 'rejected' && one.reason.code !== 'ledger_conflict')).toEqual([]);
  });

  it('keeps what it acknowledged over kill -9 of the server, and says that it is away meanwhile', async () => {
    const store = open('killed');
    await store.replace(null, STATE);
    await store.replace(STATE, NEXT);
    await postgres.kill();
    await expect(store.fetch()).rejects.toMatchObject({ code: 'catalogue_failed' });
    await postgres.start();
    expect(await store.fetch()).toEqual(NEXT);
    await expect(store.replace(STATE, NEXT)).rejects.toMatchObject({ code: 'ledger_conflict' });
  });

  it('refuses a damaged row, and a server that would lose it', async () => {
    const store = open('damaged');
    await store.replace(null, STATE);
    await postgres.query("UPDATE ledger_sealed_state SET state = '{}' WHERE log = 'damaged'", new URL(postgres.url).pathname.slice(1));
    await expect(store.fetch()).rejects.toMatchObject({ code: 'ledger_conflict' });
    const careless = await startPostgres({ settings: { fsync: 'off' } });
    const other = new PostgresCheckpointStore({ url: careless.url, log: 'x' });
    await expect(other.fetch()).rejects.toThrow(/fsync off/);
    await other.close();
    await careless.stop();
  });
});
