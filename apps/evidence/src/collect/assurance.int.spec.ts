import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatVkey } from '#signing';
import { cosign, parseNote, RootBuilder, signCheckpoint } from '#tlog';
import { readPolicyFile } from '#verify';
import { renderPacket, type Rendered, type RenderInput } from '../render/render-packet.js';
import { sealPdf } from '../render/seal.js';
import { memorySigner } from '../testing/ledger-world.js';
import { openLedger, type OpenLedger } from '../testing/open-ledger.js';
import { SCENARIO } from '../testing/scenario.js';
import { verifyPacketByPolicy, type PolicyOptions } from '../verify/verify-by-policy.js';
import { collectPacket, type CollectedPacket } from './collect-packet.js';

const EARLIER = 9;
const witness = memorySigner('witness.test/north');
let ledger: OpenLedger;

beforeAll(async () => void (ledger = await openLedger({ earlierPacket: EARLIER })), 240_000);
afterAll(() => ledger?.close());

const collect = (framework: 'ffiec' | 'nist-800-53' = 'ffiec', treeSize: number | null = null): Promise<CollectedPacket> => {
  const log = { origin: ledger.signer.name, vkey: ledger.signer.vkey };
  const { from, to } = SCENARIO;
  return collectPacket({ framework, from, to, treeSize, institution: 'Example Bank', log, runner: ledger.runner });
};
/** Drawing is a pure function, and slow: what checks the same content shares it. */
const drawn = new Map<string, Rendered>();
const render = async (input: RenderInput): Promise<Rendered> => {
  const key = input.packetJson.toString();
  const pages = drawn.get(key) ?? renderPacket(input);
  drawn.set(key, pages);
  return pages;
};
const seal = async (packet: CollectedPacket): Promise<Buffer> => sealPdf((await render(packet)).bytes, ledger.signer);
const quorum = (): string =>
  `log ${ledger.signer.vkey}\nwitness north ${formatVkey(witness.name, witness.publicKey, 'cosignature')}\nquorum north\n`;
const verify = async (sealed: Buffer, policy: string, rest: Partial<PolicyOptions> = {}): Promise<string[]> => {
  const { problems } = await verifyPacketByPolicy(sealed, { policy: readPolicyFile(policy), render, ...rest });
  return problems.map(({ code, where }) => `${code} ${where}`);
};

describe('who else vouches for a packet', () => {
  it('is said in words where nobody does, and the previous packet is connected by a proof that is attached', async () => {
    const packet = await collect();
    expect(packet.model.assurance).toEqual({ cosigned_before: 0, stamped_before: 0, stamp_failures: 0 });
    expect(packet.model.previous).toMatchObject({ packet_id: 'ffiec-earlier', tree_size: EARLIER, file: `consistency/${EARLIER}.txt` });
    expect((await collect('nist-800-53')).model.previous).toBeUndefined();
    const sealed = await seal(packet);
    const { rows } = await ledger.runner.run(
      `SELECT lower(hex(leaf_hash)) FROM ledger.leaves WHERE leaf_index < ${EARLIER} ORDER BY leaf_index`,
    );
    const builder = new RootBuilder();
    for (const [hash] of rows) builder.append(Buffer.from(String(hash), 'hex'));
    const kept = async (root: Buffer): Promise<{ since: { name: string; note: string } }> => ({
      since: { name: 'kept.note', note: await signCheckpoint({ origin: ledger.signer.name, size: EARLIER, root }, [ledger.signer]) },
    });
    expect(await verify(sealed, ledger.signer.vkey, await kept(builder.root()))).toEqual([]);
    const forked = await verify(sealed, ledger.signer.vkey, await kept(Buffer.alloc(32, 1)));
    expect(forked).toEqual(['checkpoint_forked attachment checkpoint.note']);
    expect(await verify(sealed, quorum())).toEqual(['quorum_unmet attachment checkpoint.note, cosignatures']);
  }, 240_000);

  it('is in its checkpoint where witnesses cosigned: it meets their quorum by itself, and later checkpoints change nothing', async () => {
    const { model } = await collect();
    const line = await cosign(parseNote(model.snapshot.note).text, witness, 1_790_000_000);
    await ledger.store.appendAnchor({
      tree_size: ledger.treeSize,
      root_hash: model.snapshot.root_hash,
      note: `${model.snapshot.note}${line}`,
      anchored_at: 1_790_000_000_500_000,
      witness_names: ['north'],
      witness_times: [1_790_000_000],
    });
    const packet = await collect();
    expect(packet.model.snapshot.cosigned_by).toEqual([{ name: 'north', at: '2026-09-21T14:13:20.000Z' }]);
    const sealed = await seal(packet);
    expect(await verify(sealed, quorum())).toEqual([]);
    await ledger.store.appendCheckpoint({
      round: 2,
      tree_size: ledger.treeSize + 1,
      root_hash: 'ff'.repeat(32),
      note: 'later\n',
      sealed_at: Date.parse(SCENARIO.to) * 1000 + 3_000_000,
      frontier_sources: [],
      frontier_seqs: [],
    });
    // Pinned to the newest cosigned one, not to the newest.
    expect((await seal(await collect())).equals(sealed)).toBe(true);
  }, 240_000);
});
