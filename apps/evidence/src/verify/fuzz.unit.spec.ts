import { beforeAll, describe, expect, it } from 'vitest';
import { AffiantError } from '#errors';
import { fuzz, fuzzRuns } from '../../../../test/support/fuzz.mjs';
import { parsePacketModel } from '../model/packet-schema.js';
import { samplePacket, type SamplePacket } from '../testing/sample-packet.js';
import { packetJsonOf } from './packet-json.js';
import { attachedFiles, infoEntries, readPdf } from './read-pdf.js';
import { verifyPacket } from './verify-packet.js';

let packet: SamplePacket;
let small: Buffer;

beforeAll(async () => {
  packet = await samplePacket();
  small = shortened(packet.sealed);
});

/** The packet without its pages: file specifications, attachments and Info, which is what is parsed. */
function shortened(bytes: Buffer): Buffer {
  const pdf = readPdf(bytes);
  const files = attachedFiles(pdf).slice(0, 4);
  const keep = new Set([
    ...files.flatMap(({ spec, object }) => [spec, object]),
    ...[...infoEntries(pdf).values()].map(({ object }) => object),
  ]);
  const objects = [...pdf.objects.values()].filter(({ id }) => keep.has(id)).map(({ start, end }) => bytes.subarray(start, end));
  return Buffer.concat([bytes.subarray(0, 15), ...objects, Buffer.from('xref\n')]);
}

/** Drawing the pages again is not parsing, and dear. */
const render = async (): Promise<never> => {
  throw new AffiantError('packet_invalid', 'not drawn in this test');
};

describe('whatever bytes are called a packet', () => {
  it('attachments and Info are read or left out', async () => {
    expect(attachedFiles(readPdf(small)).length).toBeGreaterThan(0);
    const { accepted } = await fuzz({
      name: 'attachments',
      seeds: [small],
      codes: [],
      share: 0.3,
      parse: (bytes) => {
        const pdf = readPdf(bytes);
        const sizes = attachedFiles(pdf).map(({ data }) => data?.length ?? 0);
        return { sizes, info: infoEntries(pdf) };
      },
    });
    expect(accepted).toBe(Math.ceil(fuzzRuns * 0.3));
  });

  it('packet.json is found or the packet is refused', async () => {
    await fuzz({ name: 'packet.json', seeds: [small], codes: ['packet_invalid'], share: 0.2, parse: packetJsonOf });
  });

  it('packet.json is a model or refused', async () => {
    await fuzz({ name: 'model', seeds: [packet.packetJson], codes: ['packet_invalid'], share: 0.1, parse: parsePacketModel });
  });

  it('verification ends with a report, and with nothing it could not name', async () => {
    await fuzz({
      name: 'packet',
      seeds: [packet.sealed],
      codes: [],
      share: 0.02,
      parse: async (bytes) => {
        const { problems } = await verifyPacket(bytes, { vkey: packet.signer.vkey, render });
        expect(problems.length).toBeGreaterThan(0);
        expect(problems.map(({ message }) => message)).not.toContain('the file cannot be read');
      },
    });
  });
});
