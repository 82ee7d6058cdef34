import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AffiantError } from '#errors';
import { EventCodec, type DecodedEvent } from '#events';
import { JournalReader } from '#journal';
import { runService } from './run-service.js';
import type { RunningService, ServiceContext, ServiceDefinition } from './service.js';

// No broker is there: a service starts, records and ends all the same.
const AWAY = 'kafka: { brokers: [ "127.0.0.1:9" ] }\nserver: { metrics_port: 0, drain_timeout: 300ms }\nsource: test-service\n';

let directory: string;
let context: ServiceContext;
let stops: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'service-'));
  stops = 0;
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(directory, { recursive: true, force: true });
});

function service(parts: Partial<RunningService> = {}): ServiceDefinition {
  return {
    name: 'evidence',
    needs: [],
    start: async (given) => {
      context = given;
      return {
        addresses: { console: 'http://127.0.0.1:1' },
        readiness: () => ({ ready: true }),
        reading: () => ({}),
        stop: async () => void (stops += 1),
        ...parts,
      };
    },
  };
}

async function run(definition: ServiceDefinition, config = AWAY): Promise<{ ended: Promise<number>; metrics: string }> {
  const file = join(directory, 'affiant.yaml');
  await writeFile(file, config);
  const ended = runService(definition, ['--config', file, '--state', join(directory, 'state')]);
  const metrics = await until(
    async () => (JSON.parse(await readFile(join(directory, 'state/run.json'), 'utf8')) as { metrics: string }).metrics,
  );
  return { ended, metrics };
}

async function until<T>(look: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 20_000; ; await delay(20)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** What the journal holds, by the key the service made. */
async function recorded(): Promise<DecodedEvent[]> {
  const key = await readFile(join(directory, 'state/keys/journal.key'));
  const reader = new JournalReader({ directory: join(directory, 'state/journal/test-service'), sourceId: 'test-service', key });
  const records = await reader.read(1, { maxRecords: 100, maxBytes: 1 << 20 });
  await reader.close();
  const codec = new EventCodec();
  return records.map(({ payload }) => codec.decode(payload));
}

const kinds = async (): Promise<string[]> => (await recorded()).flatMap((each) => (each.type === 'control' ? [each.event.kind] : []));

describe('a service', () => {
  it('serves probes and metrics, records start and stop, and ends with 0 although its event log is away', async () => {
    const { ended, metrics } = await run(service());
    expect((await fetch(`${metrics}/livez`)).status).toBe(200);
    expect((await fetch(`${metrics}/readyz`)).status).toBe(200);
    expect((await fetch(`${metrics}/elsewhere`)).status).toBe(404);
    const text = await (await fetch(`${metrics}/metrics`)).text();
    expect(text).toMatch(/affiant_journal_durable_seq\{service="evidence"\} 1\n/);
    expect(text).toMatch(/affiant_shipper_lag_events\{service="evidence"\} 1\n/);
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
    expect(stops).toBe(1);
    expect(await kinds()).toEqual(['service.started', 'service.stopped']);
    await expect(readFile(join(directory, 'state/run.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends with 1 when something it cannot go on without has ended, and says why in its last event', async () => {
    const { ended } = await run(service());
    context.fail('the ingest ended', new AffiantError('ledger_conflict', 'other bytes'));
    context.fail('later', new Error('must not replace the first'));
    expect(await ended).toBe(1);
    const last = (await recorded()).at(-1);
    expect(last).toMatchObject({ type: 'control', event: { kind: 'service.stopped' } });
    expect(JSON.stringify(last)).toContain('the ingest ended');
  });

  it('says what it waits for, and may be stopped meanwhile', async () => {
    const waiting: ServiceDefinition = {
      ...service(),
      start: ({ whenThere }) => whenThere('the catalogue', () => Promise.reject(new AffiantError('catalogue_failed', 'away'))),
    };
    const file = join(directory, 'affiant.yaml');
    // A port of its own, because nobody tells it before it is ready.
    await writeFile(file, AWAY.replace('metrics_port: 0', 'metrics_port: 18483'));
    const ended = runService(waiting, ['--config', file, '--state', join(directory, 'state')]);
    const answer = await until(async () => {
      const readiness = await fetch('http://127.0.0.1:18483/readyz');
      const text = await readiness.text();
      if (!text.includes('the catalogue')) throw new Error(text);
      return readiness;
    });
    expect(answer.status).toBe(503);
    expect((await fetch('http://127.0.0.1:18483/livez')).status).toBe(200);
    process.emit('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('takes a changed configuration, and records one that it refuses', async () => {
    const taken: string[] = [];
    const { ended } = await run(service({ reload: async ({ institution }) => void taken.push(institution) }));
    const file = join(directory, 'affiant.yaml');
    await writeFile(file, `institution: Another Bank\n${AWAY}`);
    await until(async () => expect(taken).toEqual(['Another Bank']));
    expect(context.config().institution).toBe('Another Bank');
    await writeFile(file, `institution: [ ]\n${AWAY}`);
    await until(async () => expect(await kinds()).toContain('config.rejected'));
    expect(context.config().institution).toBe('Another Bank');
    process.emit('SIGTERM');
    await ended;
  });

  it('is refused a state directory that another process uses, and a configuration without its sections', async () => {
    const { ended } = await run(service());
    const again = ['--config', join(directory, 'affiant.yaml'), '--state', join(directory, 'state')];
    await expect(runService(service(), again)).rejects.toMatchObject({ code: 'state_locked' });
    const needy = { ...service(), needs: ['redis'] as never[] };
    await expect(runService(needy, again)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('redis') });
    process.emit('SIGTERM');
    await ended;
  });
});
