import { AffiantError } from '#errors';
import { PACKET_FORMAT, type PacketModel } from '../model/packet.js';
import { sha256Hex } from '../model/result.js';
import { composePacket } from './compose/compose.js';
import { contextOf, shortInstant } from './compose/context.js';
import { drawDocument, type Attachment } from './draw.js';
import { buildManifest, MANIFEST_NAME, MODEL_NAME } from './manifest.js';
import { SEAL_PLACEHOLDER } from './seal.js';

export interface RenderInput {
  /** packet.json, exactly as attached: what the pages are made from. */
  readonly packetJson: Buffer;
  /** Content of the exhibits by name; each one of `model.exhibits` must be there. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Exact bytes of manifest.json; absent = built here. A verifier gives the attached one. */
  readonly manifest?: Buffer;
}

export interface Rendered {
  /** Not sealed yet. */
  readonly bytes: Buffer;
  readonly pages: number;
}

/** packet.json and its exhibits -> PDF bytes. Pure and synchronous: same input and program version, same bytes. @throws AffiantError packet_failed */
export function renderPacket(input: RenderInput): Rendered {
  const model = JSON.parse(input.packetJson.toString('utf8')) as PacketModel;
  const contentDigest = sha256Hex(input.packetJson);
  const context = contextOf(model, contentDigest);
  const attachments = attachmentsOf(model, input);
  const manifest = attachments.find(({ name }) => name === MANIFEST_NAME);
  const framework = context.catalogue.framework.title;
  const period = `${shortInstant(model.period.from)} to ${shortInstant(model.period.to)}`;
  return drawDocument(composePacket(context), attachments, {
    title: `Evidence packet: ${framework}, ${period}`,
    author: model.institution,
    subject: 'Management self-assessment from a tamper-evident ledger',
    createdMs: Math.floor(model.snapshot.sealed_at / 1000),
    info: {
      AffiantFormat: PACKET_FORMAT,
      AffiantKey: model.snapshot.vkey,
      AffiantManifest: manifest === undefined ? '' : sha256Hex(manifest.data),
      AffiantSeal: SEAL_PLACEHOLDER,
    },
    running: [`Evidence packet · ${framework}`, model.packet_id],
    foot: `${model.institution} · ${period} · management self-assessment`,
  });
}

/** packet.json, manifest.json, then the exhibits in the order of the model. */
function attachmentsOf(model: PacketModel, { packetJson, files, manifest: given }: RenderInput): Attachment[] {
  const exhibits = model.exhibits.map((exhibit): Attachment => {
    const data = files.get(exhibit.name);
    if (data === undefined) throw new AffiantError('packet_failed', `the exhibit ${exhibit.name} is missing`);
    return { name: exhibit.name, data, media_type: exhibit.media_type, description: exhibit.description, relationship: 'Data' };
  });
  const content: Attachment = {
    name: MODEL_NAME,
    data: packetJson,
    media_type: 'application/json',
    description: 'Everything the pages of this file were made from',
    relationship: 'Source',
  };
  const manifest: Attachment = {
    name: MANIFEST_NAME,
    data: given ?? buildManifest([content, ...exhibits]),
    media_type: 'application/json',
    description: 'SHA-256 of every attached file',
    relationship: 'Supplement',
  };
  return [content, manifest, ...exhibits];
}
