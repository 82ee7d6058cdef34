import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { memorySigner } from '../testing/ledger-world.js';
import { samplePacket, type SamplePacket } from '../testing/sample-packet.js';
import { renderPacket, type Rendered, type RenderInput } from '../render/render-packet.js';
import { sealPdf } from '../render/seal.js';
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
const places = (report: VerifyReport): string[] => report.problems.map(({ where }) => where).filter((where) => where !== 'seal');

describe('verifyPacket', () => {
  it('accepts what was sealed, and says what a key from inside the file is worth', async () => {
    const given = await verify(packet.sealed);
    expect(given.problems).toEqual([]);
    expect(given).toMatchObject({ ok: true, key: 'given' });
    expect(given.checks.map(({ name }) => name)).toEqual(['seal', 'attachments', 'checkpoint', 'results', 'pages']);
    const alone = await verifyPacket(packet.sealed, { render });
    expect(alone).toMatchObject({ ok: true, key: 'embedded' });
    expect(alone.statement).toContain('says nothing about who made it');
  });

  it('refuses another key', async () => {
    const report = await verifyPacket(packet.sealed, { vkey: memorySigner().vkey, render });
    expect(report.ok).toBe(false);
    expect(report.problems.map(({ where }) => where)).toContain('seal');
    await expect(verifyPacket(packet.sealed, { vkey: 'nonsense' })).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('detects bytes added or cut anywhere', async () => {
    for (const bytes of [
      Buffer.concat([packet.sealed, Buffer.from('\n')]),
      packet.sealed.subarray(0, -1),
      packet.sealed.subarray(0, 1000),
      Buffer.concat([packet.sealed.subarray(0, 5000), Buffer.from('x'), packet.sealed.subarray(5000)]),
    ]) {
      expect((await verify(bytes)).ok).toBe(false);
    }
  });

  it('refuses a packet whose verdicts do not follow from its results, even when sealed', async () => {
    const control = packet.model.controls.findIndex(({ verdict }) => verdict === 'INCONCLUSIVE');
    const controls = packet.model.controls.map((one, index) => (index === control ? { ...one, verdict: 'PASS' as const } : one));
    const packetJson = Buffer.from(`${JSON.stringify({ ...packet.model, controls })}\n`);
    const sealed = await sealPdf(renderPacket({ packetJson, files: packet.files }).bytes, packet.signer);
    const report = await verify(sealed);
    expect(report.problems.map(({ message }) => message)).toEqual([
      `the verdict of ${packet.model.controls[control]?.id} does not follow from the results`,
    ]);
  });

  it('refuses pages that say something else than packet.json, even when sealed', async () => {
    const honest = renderPacket(packet);
    const other = renderPacket({
      packetJson: Buffer.from(packet.packetJson.toString().replace('Example Savings Bank', 'Another Savings Bnk')),
      files: packet.files,
    });
    const pdf = readPdf(other.bytes);
    const target = attachedFiles(pdf)[0];
    expect(target?.name).toBe('packet.json');
    // Pages of one model over the attachments of another, sealed by the log's own key: only drawing again can tell.
    const spliced = spliceStreams(honest.bytes, other.bytes);
    const report = await verify(await sealPdf(spliced, packet.signer));
    expect(report.ok).toBe(false);
    expect(places(report).join()).toMatch(/^page \d+(,page \d+)*$/);
  });

  it('answers hostile files with a report', async () => {
    const hostile = [
      Buffer.alloc(0),
      Buffer.from('%PDF-1.7\n'),
      Buffer.from('not a PDF at all'),
      Buffer.from(`%PDF-1.7\n%\xff\xff\xff\xff\n${'1 0 obj\n'.repeat(200_000)}`, 'latin1'),
      Buffer.from(
        `%PDF-1.7\n%\xff\xff\xff\xff\n${Array.from({ length: 60_000 }, (_, id) => `${id + 1} 0 obj\n<<\n>>\nendobj\n`).join('')}`,
        'latin1',
      ),
      Buffer.from(`%PDF-1.7\n%\xff\xff\xff\xff\n${'('.repeat(1_000_000)}`, 'latin1'),
      Buffer.concat([packet.sealed, packet.sealed]),
    ];
    for (const bytes of hostile) {
      const started = performance.now();
      const report = await verify(bytes);
      expect(report.ok).toBe(false);
      expect(report.problems.length).toBeGreaterThan(0);
      expect(report.problems.every(({ code }) => code === 'packet_invalid')).toBe(true);
      expect(performance.now() - started).toBeLessThan(20_000);
    }
  }, 120_000);
});

/** `base` with the page contents of `other` where their stored lengths agree. */
function spliceStreams(base: Buffer, other: Buffer): Buffer {
  const [to, from] = [readPdf(base), readPdf(other)];
  const bytes = Buffer.from(base);
  for (const object of to.objects.values()) {
    const source = from.objects.get(object.id);
    if (object.stream === null || source?.stream === undefined || source.stream === null) continue;
    const stored = other.subarray(source.stream.start, source.stream.end);
    const isText = object.head.trim().startsWith('<<\n/Length') && stored.length === object.stream.end - object.stream.start;
    if (isText) stored.copy(bytes, object.stream.start);
  }
  return bytes;
}
