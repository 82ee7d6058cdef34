// The inclusion check of @sigstore/verify on our proofs. It is not part of its public interface, hence the path; 3.1.1 is its newest that runs
// on Node 20 (4.x wants 22.22), and the function is the same.
import { createRequire } from 'node:module';
import { join } from 'node:path';

export async function judge({ check, path, logs }) {
  const require = createRequire(import.meta.url);
  const { verifyMerkleInclusion } = require(join(path, '@sigstore/verify/dist/tlog/merkle.js'));
  const accepts = (index, size, leaf, hashes, root) => {
    try {
      verifyMerkleInclusion(
        { inclusionProof: { logIndex: String(index), treeSize: String(size), hashes }, canonicalizedBody: leaf },
        { logSize: BigInt(size), logHash: root },
      );
      return true;
    } catch (error) {
      if (error.code !== 'TLOG_INCLUSION_PROOF_ERROR') throw error;
      return false;
    }
  };
  const verdicts = { good: [], bad: [] };
  for (const { size, tree, leaf, root } of logs.filter((log) => log.size > 0)) {
    for (const index of new Set([0, Math.floor(size / 2), size - 1])) {
      const hashes = await tree.inclusionProof(index);
      verdicts.good.push(accepts(index, size, leaf(index), hashes, root));
      const other = Buffer.from(leaf(index));
      other[100] ^= 1;
      verdicts.bad.push(accepts(index, size, other, hashes, root), accepts(index, size, leaf(index), [...hashes, root], root));
    }
  }
  check(
    `@sigstore/verify accepts our inclusion proofs (${verdicts.good.length})`,
    verdicts.good.length > 0 && !verdicts.good.includes(false),
  );
  check(`it refuses altered ones (${verdicts.bad.length})`, verdicts.bad.length > 0 && !verdicts.bad.includes(true));
}
