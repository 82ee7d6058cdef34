import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWitness, type RunningWitness } from '#apps/witness';
import { createLogger } from '#observability';
import { checkNote, parseTrustPolicy, type TrustPolicy } from '#tlog';
import { hasWitness, startWitness } from '../../../../test/support/engines/witness.mjs';
import { AnchorLoop } from './anchor-loop.js';
import { AnchorWorld, logKey } from './testing.fixture.js';
import { WitnessClient } from './witness-client.js';

const NAMES = ['audit', 'examiner', 'second-account'];
const logger = createLogger('test', { level: 'silent' });
let directory: string;
let running: RunningWitness[];

/** The witness of that name, over the state it left. */
const start = (name: string, port = 0): Promise<RunningWitness> =>
  openWitness({
    config: { name: `witness.test/${name}`, host: '127.0.0.1', port, logs: [{ origin: logKey.name, vkey: logKey.vkey }] },
    directory: join(directory, name),
    keys: null,
    logger,
  });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'anchor-'));
  running = await Promise.all(NAMES.map((name) => start(name)));
});
afterEach(async () => {
  await Promise.all(running.map((witness) => witness.close()));
  await rm(directory, { recursive: true, force: true });
});

const clients = (): WitnessClient[] =>
  running.map(({ url, vkey }, index) => new WitnessClient({ name: NAMES[index]!, url, vkey, timeoutMs: 60_000 }));
const policy = (): TrustPolicy =>
  parseTrustPolicy(
    [
      `log ${logKey.vkey}`,
      ...running.map(({ vkey, url }, index) => `witness ${NAMES[index]} ${vkey} ${url}`),
      `group all-three 2 ${NAMES.join(' ')}`,
      'quorum all-three',
    ].join('\n'),
  );

describe('three witnesses of ours over HTTP', () => {
  it('cosign what grows, over restarts of either side', async () => {
    const world = new AnchorWorld();
    const times: number[] = [];
    let loop = new AnchorLoop(world.ports(clients(), 2));
    for (let round = 0; round < 20; round += 1) {
      await world.grow(round === 0 ? 1 : 97);
      const begun = performance.now();
      await loop.once();
      times.push(performance.now() - begun);
      // The next loop knows only what is stored, and learns the sizes from the witnesses.
      if (round % 7 === 6) loop = new AnchorLoop(world.ports(clients(), 2));
      const checked = checkNote(policy(), (await world.cosigned.latest())!);
      expect(checked.head).toMatchObject({ size: world.sealed!.tree_size, root: Buffer.from(world.sealed!.root_hash, 'hex') });
      expect(checked.witnesses).toHaveLength(3);
    }
    times.sort((a, b) => a - b);
    console.log(`time to quorum, 3 witnesses on loopback: p50 ${times[10]!.toFixed(1)} ms, max ${times.at(-1)!.toFixed(1)} ms`);
    expect(world.store.anchors).toHaveLength(20);
  });

  it('are a quorum while one is away, and no more while two are', async () => {
    const world = new AnchorWorld();
    const loop = new AnchorLoop(world.ports(clients(), 2));
    await world.grow(10);
    await running[0]!.close();
    await loop.once();
    expect(checkNote(policy(), (await world.cosigned.latest())!).witnesses.map(({ name }) => name)).toEqual(NAMES.slice(1));
    await running[1]!.close();
    await world.grow(10);
    await loop.once();
    expect(loop.health()).toMatchObject({
      size: 10,
      witnesses: [{ failing: 'it cannot be reached' }, { failing: 'it cannot be reached' }, { failing: null }],
    });
    running[1] = await start(NAMES[1]!, Number(new URL(running[1]!.url).port));
    await world.grow(10);
    await loop.once();
    expect(loop.health()).toMatchObject({ size: 30 });
  });

  it('refuse a log that has another history', async () => {
    const world = new AnchorWorld();
    await world.grow(10);
    await new AnchorLoop(world.ports(clients(), 2)).once();
    const forked = new AnchorWorld('other');
    await forked.grow(25);
    const loop = new AnchorLoop(forked.ports(clients(), 2));
    await loop.once();
    expect([forked.cosigned.notes.size, loop.health().size]).toEqual([0, 0]);
    for (const { failing } of loop.health().witnesses) expect(failing).toMatch(/^it answers 422/);
  });
});

describe.skipIf(!hasWitness())('a witness by other people (transparency-dev/witness)', () => {
  it('cosigns what grows, and refuses another history', async () => {
    const theirs = await startWitness({ logs: [logKey.vkey] });
    try {
      const client = (): WitnessClient => new WitnessClient({ name: 'theirs', url: theirs.url, vkey: theirs.vkey, timeoutMs: 60_000 });
      const trusted = parseTrustPolicy(`log ${logKey.vkey}\nwitness theirs ${theirs.vkey}\nquorum theirs\n`);
      const world = new AnchorWorld();
      for (const by of [1, 300, 7]) {
        await world.grow(by);
        // A new client each time: it learns the size from their 409.
        await new AnchorLoop(world.ports([client()], 1)).once();
        expect(checkNote(trusted, (await world.cosigned.latest())!).head.size).toBe(world.sealed!.tree_size);
      }
      const forked = new AnchorWorld('other');
      await forked.grow(400);
      const loop = new AnchorLoop(forked.ports([client()], 1));
      await loop.once();
      expect([forked.cosigned.notes.size, loop.health().witnesses[0]?.failing]).toEqual([0, expect.stringMatching(/^it answers 422/)]);
    } finally {
      await theirs.stop();
    }
  });
});
