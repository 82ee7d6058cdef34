import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { samplePacket, type SamplePacket } from '../testing/sample-packet.js';
import { renderPacket, type Rendered, type RenderInput } from '../render/render-packet.js';
import { attachedFiles, readPdf } from './read-pdf.js';
import { verifyPacket, type VerifyReport } from './verify-packet.js';

let packet: SamplePacket;
let vkey: string;

/** Drawing is a pure function, so hundreds of verifications of almost the same file may share it. */
const drawn = new Map<string, Rendered>();
async function render(input: RenderInput): Promise<Rendered> {
  const hash = createHash('sha256')
    .update(input.packetJson)
    .update(input.manifest ?? '');
  for (const [name, data] of input.files) hash.update(name).update(data);
  const key = hash.digest('hex');
  const known = drawn.get(key) ?? renderPacket(input);
  if (drawn.size < 4) drawn.set(key, known);
  return known;
}

beforeAll(async () => {
  packet = await samplePacket();
  vkey = packet.signer.vkey;
});

const verify = (bytes: Buffer): Promise<VerifyReport> => verifyPacket(bytes, { vkey, render });
const flipped = (at: number, bit = 0): Buffer => {
  const bytes = Buffer.from(packet.sealed);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  return bytes;
};
const places = (report: VerifyReport): string[] => report.problems.map(({ where }) => where).filter((where) => where !== 'seal');

describe('a flipped byte', () => {
  it('detects a flip of any byte and names the part it is in', async () => {
    const text = packet.sealed.toString('latin1');
    const seal = text.lastIndexOf('(affiant-seal/1:');
    const sealEnd = text.indexOf(')', seal);
    let state = 12345;
    const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 300; round++) {
      const at = Math.floor(random() * packet.sealed.length);
      const report = await verify(flipped(at, Math.floor(random() * 8)));
      expect(report.ok, `byte ${at}`).toBe(false);
      // A byte of the seal itself is named by the seal alone; where that lies depends on the packet's key.
      expect(places(report).length > 0 || (at > seal && at < sealEnd), `byte ${at} is not named`).toBe(true);
    }
  }, 240_000);

  it('names attachment, page, metadata, seal, table of offsets', async () => {
    const pdf = readPdf(packet.sealed);
    const text = packet.sealed.toString('latin1');
    for (const file of attachedFiles(pdf)) {
      const object = pdf.objects.get(file.object ?? 0);
      const middle = Math.floor(((object?.stream?.start ?? 0) + (object?.stream?.end ?? 0)) / 2);
      expect(places(await verify(flipped(middle))), file.name).toContain(`attachment ${file.name}`);
    }
    const pages = [...pdf.objects.values()]
      .filter(({ head }) => /\/Type \/Page\n/.test(head))
      .map(({ head }) => Number(/\/Contents (\d+) 0 R/.exec(head)?.[1]));
    for (const index of [0, 1, pages.length - 1]) {
      const stream = pdf.objects.get(pages[index] ?? 0)?.stream;
      expect(places(await verify(flipped((stream?.start ?? 0) + 40)))).toEqual([`page ${index + 1}`]);
    }
    expect(places(await verify(flipped(text.indexOf('<dc:title>') + 2)))).toEqual(['document metadata (XMP)']);
    expect(places(await verify(flipped(text.lastIndexOf('\nxref\n') + 30)))).toEqual(['cross-reference table and trailer']);
    expect(places(await verify(flipped(2)))).toEqual(['file header']);
    const seal = text.lastIndexOf('affiant-seal/1:');
    expect([...new Set((await verify(flipped(seal + 40))).problems.map(({ where }) => where))]).toEqual(['seal']);
    expect(places(await verify(flipped(text.indexOf('/ToUnicode'))))).toEqual(['fonts']);
  }, 240_000);
});
