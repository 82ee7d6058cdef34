import { AffiantError } from '#errors';
import { MODEL_NAME } from '../render/manifest.js';
import { attachedFiles, readPdf } from './read-pdf.js';

/** packet.json out of a packet, unverified. @throws AffiantError packet_invalid */
export function packetJsonOf(pdf: Uint8Array): Buffer {
  const file = attachedFiles(readPdf(Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength))).find(({ name }) => name === MODEL_NAME);
  if (file?.data === undefined || file.data === null) throw new AffiantError('packet_invalid', 'the file has no readable packet.json');
  return file.data;
}
