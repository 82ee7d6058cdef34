// Logs as the sequencer makes them: rounds of leaves through TreeEdge into the file store, superseded partial tiles deleted, a signed checkpoint.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { encodeLeaf, FileTileStore, readCheckpoint, signCheckpoint, TileTree, TreeEdge } from '../../dist/libs/tlog/src/index.js';

export const SIZES = [0, 1, 255, 256, 257, 1_000, 70_000];
const ORIGIN = 'oracles.example/ledger';
const MAX_ROUND = 32_768;

export function newSigner(name) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return { name, publicKey: raw, vkey: formatVkey(name, raw), sign: async (message) => sign(null, message, privateKey) };
}

const sha256 = (text) => createHash('sha256').update(text).digest();
const SCHEMA = sha256('schema');

export function leafOf(index, flavour = '') {
  return encodeLeaf({
    type: 'control',
    boot_epoch: 1,
    seq: index,
    occurred_at: 1_790_000_000_000_000 + index,
    schema_sha256: SCHEMA,
    payload_hash: sha256(`payload ${index}${flavour}`),
    prev_hash: Buffer.alloc(32),
    source_id: 'oracles',
  });
}

/** @returns the log: directory, size, vkey file and text, tree, checkpoint note, leaf(index). Rounds end at odd places, so that partial tiles come and go. */
export async function writeLog(directory, size, { signer = newSigner(ORIGIN), flavour = '' } = {}) {
  const store = new FileTileStore(directory);
  let edge = TreeEdge.empty;
  for (let width = Math.min(100, size); edge.size < size; width = Math.min(width * 7, MAX_ROUND, size - edge.size)) {
    const extension = edge.extend(Array.from({ length: width }, (_, index) => leafOf(edge.size + index, flavour)));
    for (const { path, bytes } of extension.files) await store.put(path, bytes);
    edge = extension.edge;
    await store.prune(extension.superseded);
  }
  const root = edge.root();
  const note = await signCheckpoint({ origin: signer.name, size, root }, [signer]);
  await store.publish(note);
  const vkeyFile = join(directory, '..', `${size}${flavour}.vkey`);
  writeFileSync(vkeyFile, `${signer.vkey}\n`);
  return {
    directory,
    size,
    signer,
    vkey: signer.vkey,
    vkeyFile,
    root,
    note,
    tree: new TileTree(store, size),
    leaf: (index) => leafOf(index, flavour),
  };
}

/** The log of a real installation, as it lies on its disk. */
export async function realLog(state) {
  const directory = join(state, 'tiles');
  const vkeyFile = join(state, 'keys/ledger.vkey');
  const { size } = readCheckpoint(readFileSync(join(directory, 'checkpoint')));
  return { directory, vkeyFile, vkey: readFileSync(vkeyFile, 'utf8').trim(), size };
}
