// x/mod (sumdb/note, sumdb/tlog) and transparency-dev (merkle, formats) judge checkpoints, tiles, tlog-proof files and consistency proofs.
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { cosign, formatTlogProof, parseNote } from '../../dist/libs/tlog/src/index.js';
import { startJudge } from './judge-process.mjs';
import { newSigner } from './logs.mjs';

const flipped = (bytes, at = 0) => {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
};

export async function judge({ check, path, logs, figures }) {
  const { ask, close } = startJudge(path);
  /** Asks many questions and checks them as one: each must get the verdict. */
  const all = async (name, wanted, questions) => {
    const verdicts = await Promise.all(questions.map((question) => ask(question)));
    const wrong = verdicts.filter(({ ok }) => ok !== wanted);
    check(
      `${name} (${questions.length})`,
      questions.length > 0 && wrong.length === 0,
      wrong.length === 0 ? '' : `${wrong.length} wrong, first: ${wrong[0].why}`,
    );
  };
  try {
    await checkpoints(all, logs);
    await tiles(all, logs);
    await proofs(all, logs, figures);
    await consistency(all, logs);
    await cosignatures(all, logs);
  } finally {
    await close();
  }
}

async function checkpoints(all, logs) {
  const asked = logs.map(({ note, vkey, size, root }) => ({ op: 'checkpoint', note, vkey, second: size, root2: root }));
  await all('x/mod and formats accept our checkpoints', true, asked);
  const [one] = asked.slice(-1);
  const lines = one.note.split('\n');
  const signature = one.note.trimEnd().split(' ').at(-1);
  await all('they refuse altered checkpoints', false, [
    { ...one, note: one.note.replace(`\n${one.second}\n`, `\n${one.second - 1}\n`), second: one.second - 1 },
    { ...one, note: one.note.replace(lines[2], flipped(one.root2).toString('base64')), root2: flipped(one.root2) },
    { ...one, note: one.note.replace(signature, flipped(Buffer.from(signature, 'base64'), 40).toString('base64')) },
    { ...one, note: one.note.slice(0, -1) },
    { ...one, note: one.note.slice(0, one.note.indexOf('\u2014')) },
    { ...one, vkey: newSigner(lines[0]).vkey },
    { ...one, vkey: newSigner('another.example/log').vkey },
  ]);
}

async function tiles(all, logs) {
  const sizesOf = (size) => [1, 2, 255, 256, 257, 511, 65_536, 65_537, size - 1, size].filter((each) => each >= 1 && each <= size);
  const asked = [...logs, logs.real].map(({ directory, vkey, size }) => ({ op: 'tiles', dir: directory, vkey, sizes: sizesOf(size) }));
  await all("x/mod's tile reader reads our logs and proves its own way through them", true, asked);
}

async function proofs(all, logs, figures) {
  const good = [];
  for (const log of logs.filter(({ size }) => size > 0)) {
    const indexes = new Set([0, 1, 254, 255, 256, 257, 999, 65_535, 65_536, Math.floor(log.size / 3), log.size - 1]);
    for (const index of [...indexes].filter((each) => each < log.size)) {
      const leaf = log.leaf(index);
      const hashes = await log.tree.inclusionProof(index);
      const proof = formatTlogProof({ index, hashes, checkpoint: log.note, extra: leaf });
      good.push({ op: 'proof', proof, leaf, vkey: log.vkey, hashes, index, size: log.size, note: log.note });
    }
  }
  const question = ({ op, proof, leaf, vkey }) => ({ op, proof, leaf, vkey });
  figures.proof_bytes_70000 = good.at(-1).proof.length;
  await all('formats reads our tlog-proof files, merkle and x/mod verify them', true, good.map(question));
  const bad = good.flatMap(({ proof, leaf, vkey, hashes, index, size, note }) => {
    const of = (changed) => ({
      op: 'proof',
      leaf,
      vkey,
      proof: formatTlogProof({ index, hashes, checkpoint: note, extra: leaf, ...changed }),
    });
    const list = [
      { op: 'proof', proof, leaf: flipped(leaf, 40), vkey },
      of({ index: index + 1 < size ? index + 1 : size }),
      of({ hashes: [...hashes, Buffer.alloc(32)] }),
      of({ checkpoint: note.slice(0, -3) }),
    ];
    if (hashes.length > 0) list.push(of({ hashes: hashes.slice(1) }), of({ hashes: [flipped(hashes[0]), ...hashes.slice(1)] }));
    return list;
  });
  await all('they refuse altered proofs', false, bad);
}

/** Every pair of interesting sizes of the largest log. Both judges call a proof from the empty tree meaningless, so there is none. */
async function consistency(all, logs) {
  const { tree, size } = logs.at(-1);
  const sizes = [1, 2, 3, 7, 8, 255, 256, 257, 1_000, 32_868, 65_535, 65_536, 65_537, 69_999, size];
  const good = [];
  for (const [at, first] of sizes.entries())
    for (const second of sizes.slice(at)) {
      const [root1, root2, hashes] = await Promise.all([tree.rootAt(first), tree.rootAt(second), tree.consistencyProof(first, second)]);
      good.push({ op: 'consistency', first, second, root1, root2, hashes });
    }
  await all('merkle and x/mod accept our consistency proofs', true, good);
  const bad = good.flatMap((one) => [
    { ...one, root1: flipped(one.root1) },
    { ...one, hashes: [...one.hashes, Buffer.alloc(32)] },
    { ...one, root2: flipped(one.root2) },
    ...(one.hashes.length > 0
      ? [
          { ...one, hashes: one.hashes.slice(1) },
          { ...one, hashes: [flipped(one.hashes[0]), ...one.hashes.slice(1)] },
        ]
      : []),
  ]);
  await all('they refuse altered ones', false, bad);
}

/** Cosignatures (v1, Ed25519) that our code makes, as a witness would. */
async function cosignatures(all, logs) {
  const cosigner = newSigner('oracles.example/witness');
  const witness = formatVkey(cosigner.name, cosigner.publicKey, 'cosignature');
  const lines = await Promise.all(logs.map(({ note }, index) => cosign(parseNote(note).text, cosigner, 1_790_000_000 + index)));
  const good = logs.map(({ note, vkey }, index) => ({ op: 'cosignature', note: note + lines[index], vkey, witness }));
  await all('formats accepts cosignatures by our code', true, good);
  const [{ note, vkey }, other] = logs.slice(-2);
  const bytes = Buffer.from(lines.at(-2).trimEnd().split(' ')[2], 'base64');
  const line = (changed) => `\u2014 ${cosigner.name} ${changed.toString('base64')}\n`;
  await all('it refuses altered ones', false, [
    { op: 'cosignature', note, vkey, witness },
    { op: 'cosignature', note: note + lines.at(-1), vkey, witness },
    { op: 'cosignature', note: note + line(flipped(bytes, 11)), vkey, witness },
    { op: 'cosignature', note: note + line(flipped(bytes, 40)), vkey, witness },
    { op: 'cosignature', note: note + line(bytes.subarray(0, -1)), vkey, witness },
    { op: 'cosignature', note: note + lines.at(-2), vkey, witness: formatVkey(cosigner.name, other.signer.publicKey, 'cosignature') },
  ]);
}
