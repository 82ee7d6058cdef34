// Logs of random size and shape, untouched: no false alarm; and one log with every part of it damaged in turn.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { cosign, parseNote } from '../../dist/libs/tlog/src/index.js';
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { LeafMaker, logSigner, makeLog, seeded } from '../../dist/libs/verify/src/testing/make-log.js';
import { checkBoth } from './both.mjs';

const ENTRY = 189;
const WIDTH = 256;

/** A policy of two witnesses that must both have cosigned, and what makes a checkpoint theirs. */
function witnessed(log) {
  const witnesses = [logSigner('witness.test/a'), logSigner('witness.test/b')];
  const lines = witnesses.map((one, index) => `witness w${index} ${formatVkey(one.name, one.publicKey, 'cosignature')}`);
  const policy = `log ${log.vkey}\n${lines.join('\n')}\ngroup both all w0 w1\nquorum both\n`;
  const cosigned = async (note) => {
    let whole = note;
    for (const [index, witness] of witnesses.entries()) whole += await cosign(parseNote(note).text, witness, 1_790_000_000 + index);
    return whole;
  };
  return { policy, cosigned };
}

/** @returns {Promise<number>} how many untouched logs raised an alarm */
export async function untouched(directory, logs, check, say) {
  let alarms = 0;
  let leaves = 0;
  for (let number = 0; number < logs; number += 1) {
    const random = seeded(number + 1);
    // Sizes around the borders of tiles as often as any others; a few are larger than one tile of level 1 could tell.
    const size = [0, 1, 255, 256, 257, 511, 512, 513][number % 16] ?? Math.floor(random() ** 3 * 3000);
    const rounds = [];
    for (let left = size; left > 0; left -= rounds.at(-1)) rounds.push(Math.min(left, 1 + Math.floor(random() ** 2 * 700)));
    if (rounds.length === 0) rounds.push(0);
    const maker = new LeafMaker(random, 1 + Math.floor(random() * 6), random() * 0.3);
    const place = join(directory, `log-${number}`);
    const log = await makeLog(place, rounds, maker);
    const trust = number % 3 === 0 ? witnessed(log.signer) : { policy: `${log.signer.vkey}\n`, cosigned: async (note) => note };
    writeFileSync(join(place, 'checkpoint'), await trust.cosigned(log.notes.at(-1)));
    // Earlier checkpoints are kept by some and not by others.
    const since = log.notes.filter(() => random() < 0.3);
    const { ok, found } = await checkBoth({ directory: place, policy: trust.policy, since });
    if (!ok) {
      alarms += 1;
      say(`  log ${number} (${size} leaves): ${found.join('; ')}`);
    }
    leaves += size;
    rmSync(place, { recursive: true });
  }
  check(
    `${logs} untouched logs of random size and shape, ${leaves} leaves: no alarm from either verifier`,
    alarms === 0,
    `${alarms} false alarms`,
  );
  return alarms;
}

/** Every part of a small log damaged, one after another; each must be found and named, by both verifiers. */
export async function damaged(directory, check, { quick }) {
  const place = join(directory, 'damaged');
  const log = await makeLog(place, [5, 300, 1, 470], new LeafMaker(seeded(11), 3));
  const { policy, cosigned } = witnessed(log.signer);
  const checkpoint = await cosigned(log.notes.at(-1));
  writeFileSync(join(place, 'checkpoint'), checkpoint);
  const run = (since = []) => checkBoth({ directory: place, policy, since });
  const paths = readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1).split(sep).join('/')); // prettier-ignore

  /** @param change of the whole directory; undone afterwards from the untouched copy */
  const copy = join(directory, 'untouched');
  cpSync(place, copy, { recursive: true });
  const expectNamed = async (title, change, expected, since) => {
    change();
    const { found } = await run(since);
    rmSync(place, { recursive: true });
    cpSync(copy, place, { recursive: true });
    const wanted = typeof expected === 'string' ? found[0] === expected : expected.test(found[0] ?? '');
    if (!wanted) return { title, found };
    return null;
  };
  const flip = (path, at, bit) => {
    const bytes = readFileSync(join(place, path));
    bytes[at] ^= 1 << bit;
    writeFileSync(join(place, path), bytes);
  };
  const group = async (title, cases) => {
    const wrong = [];
    for (const one of cases) {
      const missed = await expectNamed(...one);
      if (missed !== null) wrong.push(`${missed.title}: ${missed.found.slice(0, 3).join('; ') || 'not found'}`);
    }
    check(`${title}: each of ${cases.length} found and named`, wrong.length === 0 && cases.length > 0, wrong.slice(0, 3).join(' | '));
  };

  const { ok, found } = await run(log.notes);
  check('the log itself verifies under a quorum of two witnesses, with all its earlier checkpoints', ok, found.join('; '));

  const step = quick ? 13 : 1;
  const leaves = Array.from({ length: Math.ceil(log.size / step) }, (_, index) => index * step);
  await group(
    'one bit flipped in a leaf',
    leaves.map((leaf) => {
      const bundle = Math.floor(leaf / WIDTH);
      const path = bundle < 3 ? `tile/entries/00${bundle}` : `tile/entries/003.p/${log.size % WIDTH}`;
      const at = (leaf % WIDTH) * ENTRY + 2 + ((leaf * 7) % 187);
      return [`leaf ${leaf}`, () => flip(path, at, leaf % 8), `leaf_altered leaf ${leaf}`];
    }),
  );
  const tiles = paths.filter((path) => /^tile\/\d/.test(path));
  await group(
    'one bit flipped in a tile, of every level, the earlier partial ones too',
    tiles.map((path, index) => [
      path,
      () => flip(path, (index * 37) % readFileSync(join(place, path)).length, index % 8),
      `tile_altered ${path}`,
    ]),
  );
  const bundles = paths.filter((path) => path.startsWith('tile/entries/'));
  await group(
    'one bit flipped in the framing of an entry bundle',
    bundles.map((path) => {
      const now = !path.includes('.p/') || path.endsWith(`.p/${log.size % WIDTH}`);
      return [path, () => flip(path, ENTRY + 1, 3), now ? `bundle_malformed ${path}` : `tile_altered ${path}`];
    }),
  );
  const lines = checkpoint.split('\n');
  const text = Buffer.byteLength(`${lines.slice(0, 3).join('\n')}\n`);
  const own = Buffer.byteLength(checkpoint) - Buffer.byteLength(lines.slice(5).join('\n'));
  await group(
    'one bit flipped in the checkpoint or the log’s signature',
    Array.from({ length: own - 1 }, (_, at) => at)
      .filter((at) => quick ? at % 9 === 0 : true)
      .map((at) => [`byte ${at}`, () => flip('checkpoint', at, 0), at < text || at > text + 1 ? /^checkpoint_invalid checkpoint$/ : /^checkpoint_invalid checkpoint$/]),
  ); // prettier-ignore
  await group(
    'one bit flipped in a cosignature',
    Array.from({ length: Buffer.byteLength(checkpoint) - own - 1 }, (_, index) => own + index)
      .filter((at) => (quick ? at % 9 === 0 : true))
      .map((at) => [`byte ${at}`, () => flip('checkpoint', at, 0), /^(cosignature_invalid checkpoint, cosignature by w[01]|quorum_unmet checkpoint, cosignatures|checkpoint_invalid checkpoint)$/]),
  ); // prettier-ignore
  const whole = paths.filter((path) => !path.includes('.p/') || path.endsWith(`/${log.size % WIDTH}`) || path.startsWith('tile/1/'));
  const needed = whole.filter((path) => path !== 'checkpoint' && !(path.startsWith('tile/1/') && !path.endsWith('.p/3')));
  await group('a file deleted', [
    ...needed.map((path) => [path, () => rmSync(join(place, path)), new RegExp(`^(tile|bundle)_missing ${path}$`)]),
    ['checkpoint', () => rmSync(join(place, 'checkpoint')), 'checkpoint_missing checkpoint'],
  ]);
  const cut = (path) => writeFileSync(join(place, path), readFileSync(join(place, path)).subarray(0, -1));
  await group(
    'a file cut short by one byte',
    needed.map((path) => [path, () => cut(path), new RegExp(`^(tile_altered|bundle_malformed) ${path}$`)]),
  );
  const swap = (a, b) => {
    for (const [from, to] of [[a, 'x'], [b, a], ['x', b]]) renameSync(join(place, from), join(place, to)); // prettier-ignore
  };
  const swapLeaves = (a, b) => {
    const path = join(place, 'tile/entries/001');
    const bytes = readFileSync(path);
    const [one, other] = [a, b].map((index) => Buffer.from(bytes.subarray(index * ENTRY, (index + 1) * ENTRY)));
    other.copy(bytes, a * ENTRY);
    one.copy(bytes, b * ENTRY);
    writeFileSync(path, bytes);
  };
  await group('swapped and re-ordered', [
    ['two bundles', () => swap('tile/entries/000', 'tile/entries/001'), 'leaf_altered leaf 0'],
    ['two tiles', () => swap('tile/0/000', 'tile/0/001'), 'tile_altered tile/0/000'],
    ['two leaves', () => swapLeaves(10, 200), 'leaf_altered leaf 266'],
    ['two neighbours', () => swapLeaves(10, 11), 'leaf_altered leaf 266'],
  ]);
  const put = (note) => () => writeFileSync(join(place, 'checkpoint'), note);
  const fork = await makeLog(join(directory, 'fork'), [5, 300, 1, 470], new LeafMaker(seeded(12), 3), log.signer);
  const withFork = async (note) => {
    const signed = await cosigned(note);
    return () => {
      rmSync(place, { recursive: true });
      cpSync(fork.directory, place, { recursive: true });
      put(signed)();
    };
  };
  await group('another history', [
    ['an old checkpoint replayed', put(await cosigned(log.notes[1])), 'checkpoint_rolled_back checkpoint', [log.notes[3]]],
    ['a forked log, with an earlier checkpoint at hand', await withFork(fork.notes[3]), 'checkpoint_forked checkpoint', [log.notes[1]]],
    ['a forked log of the same size', await withFork(fork.notes[3]), 'checkpoint_forked checkpoint', [log.notes[3]]],
    ['the checkpoint of a fork over the true tiles', put(await cosigned(fork.notes[3])), 'tree_differs checkpoint'],
    ['a checkpoint without its witnesses', put(log.notes[3]), 'quorum_unmet checkpoint, cosignatures'],
    ['a checkpoint by another key', put((await makeLog(join(directory, 'other'), [3], new LeafMaker(seeded(1)))).notes[0]), 'checkpoint_invalid checkpoint'],
  ]); // prettier-ignore
  // As a running log has it: the newest checkpoint not cosigned yet, an earlier one cosigned beside it.
  const early = await cosigned(log.notes[1]);
  const beside = (newest, seen) => () => {
    put(newest)();
    writeFileSync(join(place, 'checkpoint.cosigned'), seen);
  };
  beside(log.notes[3], early)();
  const waiting = await run();
  check(
    'a checkpoint that is not cosigned yet verifies by the cosigned one beside it, and the report says which leaves wait',
    waiting.ok && waiting.report.notes.some((note) => note.includes('newest 471 leaves')),
    waiting.found.join('; '),
  );
  rmSync(place, { recursive: true });
  cpSync(copy, place, { recursive: true });
  const signature = early.lastIndexOf('\u2014');
  const mark = `${early.slice(0, signature + 30)}${early[signature + 30] === 'A' ? 'B' : 'A'}${early.slice(signature + 31)}`;
  await group('the cosigned checkpoint beside it', [
    ['its cosignature changed', beside(log.notes[3], mark), /^(cosignature_invalid checkpoint\.cosigned, cosignature by w1|quorum_unmet checkpoint\.cosigned, cosignatures|checkpoint_invalid checkpoint\.cosigned)$/],
    ['not cosigned either', beside(log.notes[3], log.notes[1]), 'quorum_unmet checkpoint.cosigned, cosignatures'],
    ['cosigned, and longer than the log', beside(log.notes[1], checkpoint), 'checkpoint_rolled_back checkpoint'],
    ['cosigned, of another history', beside(log.notes[3], await cosigned(fork.notes[2])), 'checkpoint_forked checkpoint'],
  ]); // prettier-ignore
  const both = (change) => {
    mkdirSync(dirname(join(place, 'tile/0/001')), { recursive: true });
    change();
  };
  await group('a leaf and the tiles over it altered together', [
    ['bundle and tile', () => both(() => ['tile/entries/001', 'tile/0/001'].forEach((path) => cpSync(join(fork.directory, path), join(place, path)))), 'leaf_altered leaves 256 to 511'],
  ]); // prettier-ignore
  if (existsSync(copy)) rmSync(copy, { recursive: true });
}
