import { sha256Hex } from '../model/result.js';
import type { Attachment } from './draw.js';

export const MODEL_NAME = 'packet.json';
export const MANIFEST_NAME = 'manifest.json';

export interface ManifestEntry {
  readonly name: string;
  readonly media_type: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 'affiant-manifest/1';
  readonly files: readonly ManifestEntry[];
}

/** Digest of every attachment but itself; its own digest stands in the Info dictionary, under the seal. */
export function buildManifest(attachments: readonly Attachment[]): Buffer {
  const manifest: Manifest = {
    format: 'affiant-manifest/1',
    files: attachments.map(({ name, media_type, data }) => ({ name, media_type, bytes: data.length, sha256: sha256Hex(data) })),
  };
  return Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
}
