// The JSON vectors of transparency-dev/merkle, run against OUR verifyInclusion and verifyConsistency: every verdict must be equal.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { verifyConsistency, verifyInclusion } from '../../dist/libs/tlog/src/index.js';

const bytes = (text) => Buffer.from(text ?? '', 'base64');
const list = (hashes) => (hashes ?? []).map(bytes);

const KINDS = {
  inclusion: (one) => verifyInclusion(one.leafIdx, one.treeSize, bytes(one.leafHash), list(one.proof), bytes(one.root)),
  consistency: (one) => verifyConsistency(one.size1, one.size2, list(one.proof), bytes(one.root1), bytes(one.root2)),
};

export async function judge({ check, path, figures }) {
  for (const [kind, verify] of Object.entries(KINDS)) {
    const files = readdirSync(join(path, kind), { recursive: true }).filter((name) => name.endsWith('.json'));
    const wrong = [];
    let refused = 0;
    for (const name of files) {
      const vector = JSON.parse(readFileSync(join(path, kind, name), 'utf8'));
      let error = null;
      try {
        verify(vector);
      } catch (caught) {
        error = caught;
      }
      if (error !== null) refused += 1;
      if ((error !== null) !== vector.wantErr) wrong.push(`${name}: ${vector.desc}, ${error?.message ?? 'accepted'}`);
      else if (error !== null && error.code !== 'proof_invalid') wrong.push(`${name}: refused with another error: ${error.stack}`);
    }
    figures[`vectors_${kind}`] = files.length;
    const good = files.length - refused;
    check(
      `our verdict on ${files.length} ${kind} vectors (${good} good, ${refused} bad) is that of transparency-dev/merkle`,
      good > 0 && refused > 0 && wrong.length === 0,
      wrong.slice(0, 5).join('; '),
    );
  }
}
