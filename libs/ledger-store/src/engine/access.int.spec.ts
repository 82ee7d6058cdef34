import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReaderRole } from '../port.js';
import { openEmbedded, type OpenEmbedded } from '../testing/open-embedded.js';
import { sampleEvents } from '../testing/sample-rows.js';
import { READER_ROLES } from './engine-config.js';

describe('readers of the embedded engine', () => {
  let under: OpenEmbedded;
  beforeAll(async () => {
    under = await openEmbedded();
    await under.store.appendEvents('t', sampleEvents(1, 10));
  });
  afterAll(() => under.close());

  const run = async (
    role: ReaderRole | 'writer' | 'migrator',
    sql: string,
    extra: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> => {
    const { user, password } = role === 'writer' || role === 'migrator' ? under.engine[role] : under.engine.access.readers[role];
    const query = new URLSearchParams({ user, password, ...extra }).toString();
    const answer = await fetch(`${under.engine.access.url}/?${query}`, {
      method: 'POST',
      body: sql,
      headers: { ...under.engine.access.headers },
    });
    return { status: answer.status, text: await answer.text() };
  };

  it.each(READER_ROLES)('%s reads the views and the tables', async (role) => {
    for (const from of ['audit.events', 'audit.control', 'audit.control_at(tree_size = 5)', 'ledger.events', 'ledger.checkpoints']) {
      expect(await run(role, `SELECT count() >= 0 FROM ${from}`)).toEqual({ status: 200, text: '1\n' });
    }
  });

  it.each([
    ['INSERT', 'INSERT INTO ledger.checkpoints (round) VALUES (1)'],
    ['INSERT SELECT', 'INSERT INTO ledger.events SELECT * FROM ledger.events'],
    ['DELETE', 'DELETE FROM ledger.events WHERE 1'],
    ['ALTER DELETE', 'ALTER TABLE ledger.events DELETE WHERE 1'],
    ['ALTER UPDATE', "ALTER TABLE ledger.events UPDATE build = 'x' WHERE 1"],
    ['DROP', 'DROP TABLE ledger.events'],
    ['TRUNCATE', 'TRUNCATE TABLE ledger.events'],
    ['OPTIMIZE', 'OPTIMIZE TABLE ledger.events FINAL'],
    ['CREATE', 'CREATE TABLE audit.x (a UInt8) ENGINE = Memory'],
    ['CREATE VIEW', 'CREATE VIEW audit.x AS SELECT 1'],
    ['TEMPORARY', 'CREATE TEMPORARY TABLE x (a UInt8)'],
    ['RENAME', 'RENAME TABLE ledger.events TO ledger.other'],
    ['GRANT', 'GRANT SELECT ON *.* TO auditor'],
    ['SET', 'SET max_execution_time = 0'],
    ['SETTINGS', 'SELECT 1 SETTINGS max_execution_time = 0'],
    ['SYSTEM', 'SYSTEM STOP MERGES ledger.events'],
    ['SYSTEM SHUTDOWN', 'SYSTEM SHUTDOWN'],
    ['SYSTEM LISTEN', 'SYSTEM START LISTEN TCP'],
    ['KILL', "KILL QUERY WHERE query_id = 'x'"],
    ['INTO OUTFILE', "SELECT 1 INTO OUTFILE '/tmp/affiant-outfile'"],
    ['file()', "SELECT * FROM file('/etc/hostname', 'LineAsString')"],
    ['write file()', "INSERT INTO FUNCTION file('/tmp/affiant-file.csv') SELECT 1"],
    ['url()', "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')"],
    ['remote()', "SELECT * FROM remote('127.0.0.1:1', system.one)"],
    ['executable()', "SELECT * FROM executable('x.sh', 'LineAsString', 'a String')"],
    ['s3()', "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'LineAsString')"],
    ['mysql()', "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')"],
    ['users', 'SELECT * FROM system.users'],
    ['processes of others', 'SELECT * FROM system.server_settings'],
    ['EXECUTE AS', 'EXECUTE AS affiant_writer SELECT 1'],
  ])('no reader may %s', async (_, sql) => {
    for (const role of READER_ROLES) expect([role, (await run(role, sql)).status]).not.toEqual([role, 200]);
    expect(await run('writer', 'SELECT count() FROM ledger.events')).toEqual({ status: 200, text: '10\n' });
  });

  it('bounds a reader by time and by settings it cannot lift', async () => {
    expect((await run('auditor', 'SELECT 1', { max_execution_time: '0' })).status).not.toBe(200);
    const settings = await run(
      'auditor',
      "SELECT name, value FROM system.settings WHERE name IN ('readonly', 'max_execution_time', 'result_overflow_mode') ORDER BY name",
    );
    expect(settings.text).toBe('max_execution_time\t60\nreadonly\t1\nresult_overflow_mode\tthrow\n');
  });

  it('gives writer and migrator no way to change or drop what was written', async () => {
    for (const sql of [
      'DROP TABLE ledger.events',
      'TRUNCATE TABLE ledger.events',
      'DROP DATABASE ledger',
      'DELETE FROM ledger.events WHERE 1',
      'ALTER TABLE ledger.events DELETE WHERE 1',
      'ALTER TABLE ledger.events DROP PARTITION 202607',
      "ALTER TABLE ledger.events UPDATE build = 'x' WHERE 1",
      'ALTER TABLE ledger.events DROP COLUMN raw',
      'ALTER TABLE ledger.events DROP CONSTRAINT payload_hash_is_of_raw',
    ]) {
      for (const role of ['writer', 'migrator'] as const) {
        expect([role, sql, (await run(role, sql)).text]).toEqual([role, sql, expect.stringContaining('ACCESS_DENIED')]);
      }
    }
  });

  it('lets the writer add rows and nothing else', async () => {
    for (const sql of [
      'CREATE TABLE ledger.other (a UInt8) ENGINE = MergeTree ORDER BY a',
      'CREATE VIEW audit.other AS SELECT 1',
      'DROP VIEW audit.events',
      'ALTER TABLE ledger.events ADD COLUMN other UInt8',
      "ALTER TABLE ledger.events COMMENT COLUMN raw 'x'",
      'CREATE DATABASE other',
    ]) {
      expect([sql, (await run('writer', sql)).text]).toEqual([sql, expect.stringContaining('ACCESS_DENIED')]);
    }
  });

  it('knows no other password', async () => {
    const answer = await fetch(`${under.engine.access.url}/?user=auditor&password=guess&query=SELECT+1`, {
      headers: { ...under.engine.access.headers },
    });
    expect(answer.status).toBe(403);
  });
});
