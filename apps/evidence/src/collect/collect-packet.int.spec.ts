import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint, parseTlogProof, verifyTlogProof } from '#tlog';
import type { PacketModel } from '../model/packet.js';
import { renderPacket } from '../render/render-packet.js';
import { openLedger, type OpenLedger } from '../testing/open-ledger.js';
import { SCENARIO, type ScenarioOptions } from '../testing/scenario.js';
import { checkPacketNumbers } from '../verify/numbers.js';
import { collectPacket, type CollectedPacket, type CollectInput } from './collect-packet.js';

const collect = (ledger: OpenLedger, changes: Partial<CollectInput> = {}): Promise<CollectedPacket> =>
  collectPacket({
    framework: 'ffiec',
    from: SCENARIO.from,
    to: SCENARIO.to,
    treeSize: null,
    institution: 'Example Bank',
    log: { origin: ledger.signer.name, vkey: ledger.signer.vkey },
    runner: ledger.runner,
    ...changes,
  });

const verdict = (model: PacketModel, id: string): string | undefined => model.controls.find((control) => control.id === id)?.verdict;

describe('collectPacket over a sealed ledger', () => {
  let ledger: OpenLedger;
  beforeAll(async () => void (ledger = await openLedger()), 120_000);
  afterAll(() => ledger.close());

  it.each(['ffiec', 'nist-800-53'] as const)(
    'gives a %s packet whose every number is what its printed query gives',
    async (framework) => {
      const packet = await collect(ledger, { framework });
      const { model } = packet;
      expect(model.gates.map(({ id, verdict: gate }) => `${id} ${gate}`)).toEqual([
        'G1 PASS',
        'G2 PASS',
        'G3 INCONCLUSIVE',
        'G4 PASS',
        'G5 PASS',
        'G6 PASS',
      ]);
      expect(model.controls.filter((control) => control.verdict === 'FINDING')).toEqual([]);
      expect(model.controls.filter((control) => control.verdict === 'PASS').length).toBeGreaterThanOrEqual(10);
      const numbers = await checkPacketNumbers(packet.packetJson, (sql) => ledger.runner.run(sql));
      expect(numbers).toEqual({ ok: true, queries: model.runs.length, differences: [] });
      expect(renderPacket(packet).pages).toBeGreaterThan(40);
    },
    120_000,
  );

  it('gives the same bytes for the same tree size, whatever the ledger took in meanwhile', async () => {
    const before = await collect(ledger, { treeSize: ledger.treeSize });
    await ledger.store.appendCheckpoint({
      round: 2,
      tree_size: ledger.treeSize,
      root_hash: 'ff'.repeat(32),
      note: 'later\n',
      sealed_at: 1,
      frontier_sources: [],
      frontier_seqs: [],
    });
    const after = await collect(ledger, { treeSize: ledger.treeSize });
    expect(after.packetJson.equals(before.packetJson)).toBe(true);
    expect(renderPacket(after).bytes.equals(renderPacket(before).bytes)).toBe(true);
  }, 120_000);

  it('proves its cited events against the signed checkpoint', async () => {
    const { model, files } = await collect(ledger);
    expect(openCheckpoint(model.snapshot.note, [ledger.signer.vkey]).size).toBe(ledger.treeSize);
    expect(model.cited.map(({ why }) => why)).toContain('step of an approval');
    for (const event of model.cited) {
      const proof = parseTlogProof(files.get(event.proof)?.toString() ?? '');
      verifyTlogProof(proof, Buffer.from(event.leaf, 'base64'), [ledger.signer.vkey]);
    }
  });

  it('cuts a period that reaches beyond what is sealed, and says so', async () => {
    const { model } = await collect(ledger, { to: '2026-12-01T00:00:00Z' });
    expect(model.period).toMatchObject({ to: '2026-10-04T00:00:01.040001Z', requested_to: '2026-12-01T00:00:00.000000Z' });
    expect(model.gates.find(({ id }) => id === 'G5')?.reasons[0]).toContain('asked for up to 2026-12-01');
  });

  it.each<[string, Partial<CollectInput>, string]>([
    ['nothing of the period is sealed', { from: '2027-01-01T00:00:00Z', to: '2027-02-01T00:00:00Z' }, 'before the period begins'],
    ['no such checkpoint', { treeSize: 7 }, 'no checkpoint of tree size 7'],
  ])('refuses when %s', async (_, changes, reason) => {
    await expect(collect(ledger, changes)).rejects.toMatchObject({
      code: 'packet_refused',
      message: expect.stringContaining(reason) as string,
    });
  });

  it('says NO ACTIVITY of a period without traffic', async () => {
    const { model } = await collect(ledger, { from: '2026-09-01T00:00:00Z', to: '2026-09-02T00:00:00Z' });
    expect(verdict(model, 'IS Obj 6.20')).toBe('NO ACTIVITY');
    expect(model.controls.some((control) => control.verdict === 'PASS' && control.id !== 'IS Obj 6.35')).toBe(false);
  });
});

describe.each<[NonNullable<ScenarioOptions['fault']>, string, string]>([
  ['self-approval', 'IS Obj 6.8.d', 'approvals-separate'],
  ['raw-ssn', 'IS Obj 6.18', 'residual-ssn'],
  ['unregistered-connection', 'IS Obj 6.6', 'connections-registered'],
  ['blocked-but-sent', 'DA&M Obj 4.9', 'enforced'],
])('collectPacket over a ledger with %s', (fault, id, check) => {
  it('makes it a finding with its exception listed, and only there', async () => {
    const ledger = await openLedger({ fault });
    try {
      const packet = await collect(ledger);
      expect(verdict(packet.model, id)).toBe('FINDING');
      const list = packet.model.exhibits.find(({ name }) => name === `exhibits/${check}-exceptions.ndjson`);
      expect(list).toMatchObject({ rows: 1, total_rows: 1 });
      const findings = packet.model.controls.filter((control) => control.verdict === 'FINDING').map((control) => control.id);
      expect(findings.length).toBeLessThanOrEqual(3);
      expect(renderPacket(packet).pages).toBeGreaterThan(40);
    } finally {
      await ledger.close();
    }
  }, 120_000);
});
