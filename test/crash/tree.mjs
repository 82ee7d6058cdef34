// Recomputes the Merkle root from the raw events with a naive implementation of RFC 6962 §2.1, and verifies the signed note by hand.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLeaf } from '../../dist/libs/tlog/src/index.js';
import { sql } from '../support/instance.mjs';

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** RFC 6962 §2.1 over leaf hashes. */
export function root(hashes) {
  if (hashes.length === 0) return sha256('');
  let level = hashes;
  while (level.length > 1) {
    const next = [];
    for (let i = 0; i < level.length; i += 2) next.push(i + 1 < level.length ? sha256(Buffer.of(1), level[i], level[i + 1]) : level[i]);
    level = next;
  }
  return level[0];
}

/** C2SP signed-note with one Ed25519 signature by the key of `vkey`. */
function verifyNote(note, vkey) {
  const [name, , encoded] = vkey.trim().split(/\+/, 2).concat(vkey.trim().split('+').slice(2).join('+'));
  const key = Buffer.from(encoded, 'base64');
  const split = note.lastIndexOf('\n\n');
  const text = note.slice(0, split + 1);
  const line = note
    .slice(split + 2)
    .split('\n')
    .find((each) => each.startsWith(`— ${name} `));
  if (line === undefined || key[0] !== 1) return null;
  const signature = Buffer.from(line.split(' ')[2], 'base64').subarray(4);
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') }, format: 'jwk' });
  if (!verify(null, Buffer.from(text), publicKey, signature)) return null;
  const [origin, size, encodedRoot] = text.split('\n');
  return { origin, size: Number(size), root: Buffer.from(encodedRoot, 'base64') };
}

export async function checkTree(instance, auditor, state, vkeyFile = join(state, 'keys/ledger.vkey')) {
  const [{ note }] = await sql(instance, auditor, 'SELECT note FROM ledger.checkpoints ORDER BY round DESC LIMIT 1');
  const head = verifyNote(note, readFileSync(vkeyFile, 'utf8'));
  if (head === null) return { ok: false, leaves: 0, detail: 'the checkpoint does not verify' };
  const hashes = [];
  const chains = new Map();
  let wrong = 0;
  for (let from = 0; from < head.size; from += 5_000) {
    const rows = await sql(
      instance,
      auditor,
      `SELECT leaf_index, source_id, seq, base64Encode(leaf) AS leaf, base64Encode(raw) AS raw FROM audit.leaves WHERE leaf_index >= ${from} AND leaf_index < ${Math.min(from + 5_000, head.size)} ORDER BY leaf_index`,
    );
    for (const row of rows) {
      const leaf = Buffer.from(row.leaf, 'base64');
      const payload = sha256(Buffer.from(row.raw, 'base64'));
      const decoded = decodeLeaf(leaf);
      if (
        Number(row.leaf_index) !== hashes.length ||
        !Buffer.from(decoded.payload_hash).equals(payload) ||
        decoded.source_id !== row.source_id ||
        decoded.seq !== Number(row.seq)
      )
        wrong += 1;
      chains.set(row.source_id, payload);
      hashes.push(sha256(Buffer.of(0), leaf));
    }
  }
  const ok = wrong === 0 && hashes.length === head.size && root(hashes).equals(head.root);
  return { ok, leaves: hashes.length, detail: `signed size ${head.size}, ${wrong} leaves that do not fit their event` };
}
