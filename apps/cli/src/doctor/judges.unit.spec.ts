import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, type IssuerConfig } from '#config';
import { AffiantError } from '#errors';
import { exitOf } from '../commands/doctor.js';
import { fail, ok, warn, worst, type CheckResult, type Finding } from './check.js';
import { findSecrets, secretCheck } from './configuration.js';
import { judgeWriter } from './distributed/clickhouse.js';
import { judgeTopic, type TopicFacts } from './distributed/kafka.js';
import { nodeVersion, openFiles } from './host.js';
import { checkIssuer } from './issuers.js';
import { runChecks } from './run-checks.js';
import { instanceChecks, judgeClock, judgeJournal, judgeLedger } from './standalone/instance.js';
import { judgeTimestamps } from './timestamps.js';
import { judgeWitnesses } from './witnesses.js';
import { MetricValues } from './standalone/metrics.js';
import { portsCheck } from './standalone/ports.js';
import { stateChecks } from './standalone/state.js';

const statusOf = (findings: readonly Finding[]): string[] => findings.map(({ status }) => status);

describe('running checks', () => {
  const check = (run: () => Promise<Finding>) => ({ id: 'x', title: 'X', run });

  it('makes a fail of what throws, of silence too, and keeps the order', async () => {
    const results = await runChecks(
      [
        check(() => new Promise(() => undefined)),
        check(() => Promise.reject(new AffiantError('config_secret_missing', 'the secret file is empty'))),
        check(() => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }))),
        check(async () => ok('fine')),
      ],
      50,
    );
    expect(results.map(({ status, unreachable }) => [status, unreachable])).toEqual([
      ['fail', true],
      ['fail', undefined],
      ['fail', true],
      ['ok', undefined],
    ]);
    expect(results[1]).toMatchObject({ detail: 'the secret file is empty', remedy: 'Set the variable or create the file.' });
  });

  it('ends with 0 for warnings, 1 for a fail, 3 when something does not answer', () => {
    const as = (finding: Finding): CheckResult => ({ id: 'x', title: 'X', ...finding });
    expect(exitOf([as(ok('a')), as(warn('b', 'c'))])).toBe(0);
    expect(exitOf([as(fail('a', 'b')), as(ok('a'))])).toBe(1);
    expect(exitOf([as(fail('a', 'b')), as({ ...fail('a', 'b'), unreachable: true })])).toBe(3);
  });

  it('takes the worst, with each remedy once', () => {
    expect(worst([ok('a'), warn('b', 'Do it.'), fail('c', 'Do it.')], 'fine')).toEqual({
      status: 'fail',
      detail: 'b; c',
      remedy: 'Do it.',
    });
    expect(worst([ok('a')], 'fine')).toEqual(ok('fine'));
  });
});

describe('the host', () => {
  it('needs Node 20.19, even majors in production, and open files', () => {
    expect(statusOf(['18.20.0', '20.18.9', '20.19.0', '21.7.0', '22.4.0'].map(nodeVersion))).toEqual(['fail', 'fail', 'ok', 'warn', 'ok']);
    const limits = (hard: string) => () =>
      `Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 ${hard}              files\n`;
    expect(statusOf([openFiles(limits('1024')), openFiles(limits('524288')), openFiles(limits('unlimited'))])).toEqual([
      'warn',
      'ok',
      'ok',
    ]);
    const absent = (): string => {
      throw new Error('ENOENT');
    };
    expect(openFiles(absent).status).toBe('skipped');
  });
});

describe('an issuer', () => {
  let server: Server;
  let issuer: IssuerConfig;
  let date: string | undefined;
  let document: Record<string, unknown>;
  const now = Date.parse('2026-06-01T12:00:00Z');
  beforeEach(async () => {
    date = new Date(now).toUTCString();
    server = createServer((request, response) => {
      response.sendDate = false;
      if (date !== undefined) response.setHeader('date', date);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/keys' ? { keys: [{ kty: 'RSA' }] } : document));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    issuer = { name: 'corp', issuer: url, audience: 'affiant', groups_claim: 'groups', algorithms: ['RS256'] };
    document = { issuer: url, jwks_uri: `${url}/keys` };
  });
  afterEach(() => server.close());

  it('tells whether our clock fits, in whole seconds', async () => {
    const at = (ms: number) => checkIssuer(issuer, 30_000, () => now + ms);
    expect(statusOf([await at(500), await at(5_000), await at(-40_000)])).toEqual(['ok', 'warn', 'fail']);
    expect((await at(-40_000)).detail).toContain('behind');
    date = undefined;
    expect((await at(0)).status).toBe('warn');
  });

  it('is the one that discovery says', async () => {
    document = { ...document, issuer: 'https://other.example.com' };
    expect(await checkIssuer(issuer, 30_000, () => now)).toMatchObject({
      status: 'fail',
      detail: 'discovery says it is https://other.example.com',
    });
  });
});

describe('a Kafka topic', () => {
  const wanted = { partitions: 12, replication_factor: 3, min_insync_replicas: 2, retention: 1_000 };
  const good: TopicFacts = {
    partitions: 12,
    replicas: 3,
    inSync: 3,
    leaderless: 0,
    minInSync: 2,
    unclean: false,
    cleanup: 'delete',
    retentionMs: 1_000,
    maxMessageBytes: 64 * 1024 * 1024,
  };
  it.each<[string, Partial<TopicFacts>, string[]]>([
    ['in order', {}, []],
    ['kept for ever', { retentionMs: -1 }, []],
    ['other partitions', { partitions: 6 }, ['fail']],
    ['under-replicated', { inSync: 2 }, ['warn']],
    ['below the minimum', { inSync: 1 }, ['fail']],
    ['without leader', { leaderless: 1 }, ['fail']],
    ['too few copies', { replicas: 2, inSync: 2 }, ['fail']],
    ['a weak acknowledgement', { minInSync: 1 }, ['fail']],
    ['unclean elections', { unclean: true }, ['fail']],
    ['compacted', { cleanup: 'compact,delete' }, ['fail']],
    ['small messages', { maxMessageBytes: 1_048_588 }, ['fail']],
    ['short retention', { retentionMs: 999 }, ['warn']],
  ])('%s', (_, change, expected) => expect(statusOf(judgeTopic('t', { ...good, ...change }, wanted))).toEqual(expected));

  it('keeps nothing for longer than the ledger keeps content', () => {
    const of = (retentionMs: number, contentMs?: number): string[] =>
      statusOf(judgeTopic('t', { ...good, retentionMs }, wanted, contentMs));
    const { retention } = wanted;
    expect([of(retention, retention), of(-1), of(retention, retention - 1), of(-1, retention)]).toEqual([[], [], ['fail'], ['fail']]);
  });
});

describe("the ClickHouse writer's grants", () => {
  const own = [
    'GRANT SHOW, SELECT, INSERT, ALTER ADD COLUMN, ALTER MODIFY COMMENT, ALTER VIEW, CREATE TABLE, DROP VIEW ON ledger.* TO affiant_writer',
  ];
  it('may add and look', () => expect(judgeWriter(own).status).toBe('ok'));
  it.each([
    'GRANT ALL ON *.* TO w',
    'GRANT SELECT, ALTER DELETE ON ledger.* TO w',
    'GRANT ALTER ON ledger.events TO w',
    'GRANT ALTER MODIFY COLUMN ON ledger.* TO w',
    'GRANT ALTER DROP PARTITION ON ledger.* TO w',
    'GRANT INSERT, TRUNCATE ON ledger.* TO w',
    'GRANT DROP TABLE ON ledger.* TO w',
    'GRANT CREATE USER ON *.* TO w',
    'GRANT ALTER UPDATE(seq) ON ledger.events TO w',
  ])('may not: %s', (grant) => expect(judgeWriter([...own, grant]).status).toBe('fail'));
});

describe('the instance, by its metrics', () => {
  const values = (text: string): MetricValues => new MetricValues(text);
  it('reads a series with its labels, and knows what is not there', () => {
    const some = values('# HELP a b\na{stage="x",service="s"} 3\na{stage="y",service="s"} 4\nab 5\n');
    expect([some.one('a', { stage: 'y' }), some.one('ab'), some.one('b'), some.one('a', { stage: 'z' })]).toEqual([4, 5, null, null]);
  });

  it('of the witnesses: a quorum is missed only while the log grows', () => {
    const of = (text: string): string => judgeWitnesses(values(text)).status;
    const grown = 'affiant_ledger_witnesses 3\naffiant_ledger_sealed_events 90\naffiant_ledger_cosigned_events 10\n';
    const quorum = (secondsAgo: number): string => `affiant_ledger_last_quorum_timestamp_seconds ${Date.now() / 1000 - secondsAgo}\n`;
    expect(of('affiant_ledger_witnesses 0\n')).toBe('skipped');
    expect(of(grown)).toBe('warn');
    expect(of(grown + quorum(2_000))).toBe('warn');
    expect(of(grown + quorum(10))).toBe('ok');
    expect(of(grown.replace('90', '11') + quorum(2_000))).toBe('ok');
  });

  it('of the time stamps: an authority that fails, a stamp that is missing, one that ends unrenewed', () => {
    const now = Date.now() / 1000;
    const set = (change: Readonly<Record<string, number>>): string =>
      Object.entries({ last_stamp_timestamp_seconds: now - 10, timestamp_failing: 0, timestamped_events: 90, ...change })
        .map(([name, value]) => `affiant_ledger_${name}{authority="first",service="s"} ${value}\n`)
        .join('');
    const of = (change: Readonly<Record<string, number>>): string => {
      const fixed = 'affiant_ledger_timestamp_authorities 1\naffiant_ledger_sealed_events 100\n';
      const times = 'affiant_ledger_timestamp_interval_seconds 3600\naffiant_ledger_timestamp_renew_before_seconds 1000\n';
      return judgeTimestamps(values(fixed + times + set(change))).status;
    };
    expect(judgeTimestamps(values('affiant_ledger_timestamp_authorities 0\n')).status).toBe('skipped');
    expect(of({})).toBe('ok');
    expect(of({ timestamp_failing: 1 })).toBe('warn');
    expect(of({ last_stamp_timestamp_seconds: now - 9_000 })).toBe('warn');
    expect(of({ last_stamp_timestamp_seconds: now - 9_000, timestamped_events: 98 })).toBe('ok');
    expect(of({ stamp_expires_timestamp_seconds: now + 900 })).toBe('ok');
    expect(of({ stamp_expires_timestamp_seconds: now + 400 })).toBe('warn');
  });

  it('tells a halted ledger, one that is away, one that does not seal', () => {
    const up = 'affiant_ledger_up 1\naffiant_ledger_halted 0\n';
    const seal = (age: number): string => `affiant_ledger_last_seal_timestamp_seconds ${Date.now() / 1000 - age}\n`;
    const unsealed = 'affiant_ledger_lag_events{stage="unsealed"} 5\n';
    expect(judgeLedger(values('affiant_ledger_halted 1\naffiant_ledger_up 1\n')).detail).toContain('halted');
    expect(judgeLedger(values('affiant_ledger_up 0\n')).status).toBe('fail');
    expect(judgeLedger(values(up + unsealed + seal(1_000))).status).toBe('fail');
    expect(judgeLedger(values(up + unsealed + seal(1))).status).toBe('ok');
    expect(judgeLedger(values(up + seal(100_000))).status).toBe('ok');
  });

  it('tells how full the journal is, and whether the clock jumped', () => {
    const fill = (pending: number): Finding =>
      judgeJournal(values(`affiant_journal_pending_bytes ${pending}\naffiant_journal_high_water_bytes 100\n`));
    expect(statusOf([fill(10), fill(50), fill(90)])).toEqual(['ok', 'warn', 'fail']);
    expect(
      statusOf([judgeClock(values('affiant_clock_offset_seconds -3\n')), judgeClock(values('affiant_clock_offset_seconds 0.1\n'))]),
    ).toEqual(['warn', 'ok']);
    expect(judgeClock(values('nodejs_eventloop_lag_p99_seconds 0.9\n')).status).toBe('warn');
  });
});

describe('a state directory', () => {
  let directory: string;
  const journal = { segment_bytes: 1, high_water_bytes: 1 };
  const state = async (id: string, mark = 1): Promise<CheckResult | undefined> =>
    (await runChecks(stateChecks(directory, { ...journal, high_water_bytes: mark }))).find((result) => result.id === id);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'affiant-state-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('must not be written by others, nor its keys be read', async () => {
    expect((await state('state.directory'))?.status).toBe('ok');
    expect((await state('state.keys'))?.status).toBe('skipped');
    mkdirSync(join(directory, 'keys'));
    writeFileSync(join(directory, 'keys/journal.key'), 'x', { mode: 0o600 });
    writeFileSync(join(directory, 'keys/ledger.vkey'), 'x', { mode: 0o644 });
    expect((await state('state.keys'))?.status).toBe('ok');
    chmodSync(join(directory, 'keys/journal.key'), 0o640);
    expect(await state('state.keys')).toMatchObject({ status: 'fail', remedy: expect.stringContaining('chmod 600') });
    chmodSync(directory, 0o777);
    expect((await state('state.directory'))?.status).toBe('fail');
  });

  it('is on a disk with room up to the high-water mark', async () => {
    expect((await state('state.disk'))?.status).toBe('ok');
    expect((await state('state.disk', Number.MAX_SAFE_INTEGER))?.status).toBe('warn');
  });

  it('names an instance that is gone, one that hangs, or a port that is taken', async () => {
    const run = (pid: number, url: string): void =>
      writeFileSync(join(directory, 'run.json'), JSON.stringify({ pid, gateway: url, console: url }));
    const statuses = async (): Promise<string[]> => statusOf(await runChecks(instanceChecks(directory)));
    expect(await statuses()).toEqual(Array<string>(6).fill('skipped'));
    run(2 ** 22 + 1, 'http://127.0.0.1:1');
    expect(await statuses()).toEqual(Array<string>(6).fill('skipped'));
    run(process.pid, 'http://127.0.0.1:1');
    const [running] = await runChecks(instanceChecks(directory));
    expect(running).toMatchObject({ status: 'fail', unreachable: true });
    rmSync(join(directory, 'run.json'));
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const config = parseConfig(`server: { gateway_port: ${(server.address() as AddressInfo).port}, console_port: 0 }`, 'test.yaml');
    const [ports] = await runChecks([portsCheck(directory, config.server, false)]);
    expect(ports).toMatchObject({ status: 'fail', detail: expect.stringContaining('gateway_port') });
    server.close();
  });
});

describe('secrets', () => {
  const text = `
connections:
  - { name: a, protocol: anthropic, upstream: 'https://api.anthropic.com', credential: { env: AFFIANT_NO_SUCH_VARIABLE }, allow: [] }
postgres: { url: { file: /nowhere/url } }
identity: { service_keys: [] }
`;
  it('are found wherever the configuration names them, and only there', async () => {
    const config = parseConfig(text, 'test.yaml');
    expect([...findSecrets(config)].map(({ path }) => path)).toEqual(['connections[0].credential', 'postgres.url']);
    const [result] = await runChecks([secretCheck(config)]);
    expect(result).toMatchObject({ status: 'fail', detail: expect.stringMatching(/AFFIANT_NO_SUCH_VARIABLE.*postgres\.url/) });
  });
});
