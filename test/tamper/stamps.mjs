// Time stamps by real authorities (openssl ts), beside the tiles of a log and attached to a packet: damaged, deleted, swapped, replaced by those of
// somebody else, and grown old. Each must be found and named, by both verifiers.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderPacket } from '../../dist/apps/evidence/src/render/render-packet.js';
import { sealPdf } from '../../dist/apps/evidence/src/render/seal.js';
import { samplePacket } from '../../dist/apps/evidence/src/testing/sample-packet.js';
import { verifyPacketByPolicy } from '../../dist/apps/evidence/src/verify/verify-by-policy.js';
import { readCertificates, requestTimestamp, stampedCheckpointPath, stampPath, stampRequest } from '../../dist/libs/timestamp/src/index.js';
import { checkRange, DirectorySource, readPolicyFile } from '../../dist/libs/verify/src/index.js';
import { LeafMaker, makeLog, seeded } from '../../dist/libs/verify/src/testing/make-log.js';
import { browserCertificate, parsePolicy, verifyPacket } from '../../ops/verify/affiant-verify.mjs';
import { hasTsa, startTsa } from '../support/engines/tsa.mjs';
import { checkBoth } from './both.mjs';
import { certificates } from './certificates.mjs';

const DAY = 86_400_000;

export async function stamps(directory, check, { quick }) {
  if (!hasTsa()) return;
  await certificates(directory, check, { quick });
  const authorities = [];
  const start = async (options) => {
    const one = await startTsa(options);
    authorities.push(one);
    return one;
  };
  try {
    const one = await start({ name: 'One' });
    const two = await start({ name: 'Two', intermediate: true, digest: 'sha512', key: ['rsa:2048'] });
    const stranger = await start({ name: 'Stranger' });
    const old = await start({ name: 'Old', days: 0 });
    await ofLog(directory, check, { quick, one, two, stranger, old });
    await ofPacket(check, { quick, one, stranger });
  } finally {
    await Promise.all(authorities.map((authority) => authority.stop()));
  }
}

const ask = async (tsa, data) => {
  const { response, verified } = await requestTimestamp({ name: 'test', url: tsa.url, roots: readCertificates(tsa.rootPem), timeout: 120_000 }, data); // prettier-ignore
  return { response, expiresAt: verified.expiresAt };
};
/** As an authority answers whom nobody checks. */
const askUnchecked = async (tsa, data) => {
  const answer = await fetch(tsa.url, { method: 'POST', body: stampRequest(data).der });
  return Buffer.from(await answer.arrayBuffer());
};
const section = (name, tsa) => `authority ${name}\n${tsa.rootPem}`;

async function ofLog(directory, check, { quick, one, two, stranger, old }) {
  const place = join(directory, 'stamped');
  const log = await makeLog(place, [5, 7], new LeafMaker(seeded(31), 3));
  const [early, late] = log.notes.map((note) => Buffer.from(note));
  const policy = `log ${log.signer.vkey}\nquorum none\n${section('one', one)}${section('two', two)}`;
  const put = (path, bytes) => {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), bytes);
    return path;
  };
  put(stampedCheckpointPath(5), early);
  put(stampedCheckpointPath(12), late);
  const keep = async (tsa, name, size, number, data) => {
    const { response, expiresAt } = await ask(tsa, data);
    return { path: put(stampPath({ size, authority: name, number, expiresAt }), response), response, expiresAt };
  };
  const first = await keep(one, 'one', 5, 0, early);
  const second = await keep(one, 'one', 12, 0, late);
  const renewal = await keep(one, 'one', 12, 1, Buffer.concat([late, second.response]));
  const other = await keep(two, 'two', 5, 0, early);
  const copy = join(directory, 'stamped-untouched');
  cpSync(place, copy, { recursive: true });
  const restore = () => {
    rmSync(place, { recursive: true });
    cpSync(copy, place, { recursive: true });
  };
  const after = async (change, rest = {}) => {
    change();
    try {
      return (await checkBoth({ directory: place, policy, ...rest })).found;
    } finally {
      restore();
    }
  };
  const group = async (title, cases) => {
    const wrong = [];
    for (const [name, change, expected, rest] of cases) {
      const found = await after(change, rest).catch((error) => [error.message]);
      const wanted = typeof expected === 'string' ? found[0] === expected : expected.test(found[0] ?? '');
      if (!wanted) wrong.push(`${name}: ${found.slice(0, 3).join('; ') || 'not found'}`);
    }
    check(`${title}: each of ${cases.length} found and named`, wrong.length === 0 && cases.length > 0, wrong.slice(0, 3).join(' | '));
  };
  const bytesOf = (path) => readFileSync(join(place, path));
  const flip = (path, at, bit) => () => {
    const bytes = bytesOf(path);
    bytes[at] ^= 1 << bit;
    put(path, bytes);
  };
  const remove = (path) => () => rmSync(join(place, path));
  const swap = (a, b) => () => {
    for (const [from, to] of [[a, 'x'], [b, a], ['x', b]]) renameSync(join(place, from), join(place, to)); // prettier-ignore
  };

  const whole = await checkBoth({ directory: place, policy });
  const says = (lines, size, name) => lines.some((line) => line.startsWith(`The first ${size} leaves existed before 20`) && line.includes(`authority ${name} `)); // prettier-ignore
  check(
    'a log with the stamps of two authorities and a renewal verifies by both, which say before when it existed',
    whole.ok && [whole.report, whole.script].every(({ proves }) => says(proves, 12, 'one') && says(proves, 5, 'two')),
    [...whole.found, ...whole.report.proves].join('; '),
  );
  const bare = await checkBoth({ directory: place, policy: `${log.signer.vkey}\n` });
  const open = bare.report.does_not_prove.find((line) => line.includes('4 stamps')) ?? '';
  check('a policy without an authority: no alarm, and the report says that 4 stamps were not checked', bare.ok && open !== '', open);
  const range = await checkRange(new DirectorySource(place), { from: 2, to: 5 }, { policy: readPolicyFile(policy) });
  check('of a range it says the same', range.ok && range.proves.some((line) => line.startsWith('Leaves 2 to 4 existed before 20')));

  const reads = (read, text) => {
    try {
      read(text);
      return true;
    } catch {
      return false;
    }
  };
  const twice = `${policy}${section('one', one)}`;
  const bad = [
    twice,
    `${policy}quorum none\n`,
    policy.replace('authority one', 'authority One'),
    policy.replace(one.rootPem, ''),
    `${policy}authority x\n`,
  ];
  const differ = [[policy, true], ...bad.map((text) => [text, false])].filter(([text, wanted]) =>
    [readPolicyFile, parsePolicy, (one_) => parsePolicy(one_, browserCertificate)].some((read) => reads(read, text) !== wanted),
  );
  check('both read the same policies with authorities and refuse the same', differ.length === 0, JSON.stringify(differ).slice(0, 300));
  const step = quick ? 127 : 1;
  for (const { path, response } of [first, other]) {
    const places = Array.from({ length: Math.ceil(response.length / step) }, (_, index) => index * step);
    // What nothing signs has one spelling: the beginning of an answer is taken whole.
    if (quick && path === first.path) places.push(2, 7, 11, 31, 34, 41, 50);
    const cases = places.map((at) => [`${path} byte ${at}`, flip(path, at, (at * 5) % 8), `stamp_invalid ${path}`]);
    await group(`one bit flipped in a stamp of ${response.length} bytes`, cases);
  }
  const note = stampedCheckpointPath(5);
  const marks = Array.from({ length: early.length }, (_, at) => at).filter((at) => !quick || at % 41 === 0);
  await group(
    'one bit flipped in a stamped checkpoint',
    marks.map((at) => [`byte ${at}`, flip(note, at, 0), `checkpoint_invalid ${note}`]),
  );
  await group('a stamp cut short by one byte, or empty', [
    ['cut', () => put(first.path, first.response.subarray(0, -1)), `stamp_invalid ${first.path}`],
    ['longer', () => put(first.path, Buffer.concat([first.response, Buffer.of(0)])), `stamp_invalid ${first.path}`],
    ['empty', () => put(first.path, ''), `stamp_invalid ${first.path}`],
  ]);
  await group('deleted', [
    ['the only one of an authority', remove(other.path), 'stamp_missing stamps by two'],
    ['one that was renewed', remove(second.path), `stamp_missing ${renewal.path}`],
    ['the stamped checkpoint', remove(note), `stamp_invalid ${note}`],
    ['all', () => rmSync(join(place, 'stamps'), { recursive: true }), 'stamp_missing stamps by one'],
  ]);
  await group('swapped', [
    ['two of one authority', swap(first.path, second.path), `stamp_invalid ${first.path}`],
    ['a stamp and its renewal', swap(second.path, renewal.path), `stamp_invalid ${second.path}`],
    ['two of two authorities', swap(first.path, other.path), `stamp_invalid ${first.path}`],
    ['two stamped checkpoints', swap(note, stampedCheckpointPath(12)), `stamp_invalid ${note}`],
  ]);
  const late776 = { size: 5, authority: 'one', number: 0, expiresAt: first.expiresAt + 1000 };
  const forged = await ask(stranger, early);
  const expired = await askUnchecked(old, early);
  const policyOf = (tsa) => ({ policy: `log ${log.signer.vkey}\nquorum none\n${section('one', tsa)}` });
  await group('by somebody else, or too old', [
    ['a stamp of another authority in its place', () => put(first.path, forged.response), `stamp_invalid ${first.path}`],
    ['another authority of the same name in the policy', () => {}, `stamp_invalid ${first.path}`, policyOf(stranger)],
    ['a certificate that had ended when it stamped', () => put(first.path, expired), `stamp_invalid ${first.path}`, policyOf(old)],
    ['a certificate that ended, without renewal', () => {}, `stamp_invalid ${first.path}`, { now: first.expiresAt + DAY }],
    ['a name that says another end', () => renameSync(join(place, first.path), join(place, stampPath(late776))), `stamp_invalid ${stampPath(late776)}`],
    ['a checkpoint that was put back', () => put('checkpoint', early), 'checkpoint_rolled_back checkpoint'],
  ]); // prettier-ignore
  put(stampPath({ size: 5, authority: 'stranger', number: 0, expiresAt: forged.expiresAt }), forged.response);
  const guest = await checkBoth({ directory: place, policy });
  const named = [guest.report.notes, guest.script.does_not_prove].every((lines) =>
    lines.some((line) => line.includes('stamps/5/stranger-0-')),
  );
  check('a stamp of an authority outside the policy proves nothing, and both name it', guest.ok && named, guest.found.join('; '));
  restore();
  const fork = await makeLog(join(directory, 'stamped-fork'), [5, 7], new LeafMaker(seeded(32), 3), log.signer);
  for (const path of ['checkpoint', 'tile']) cpSync(join(fork.directory, path), join(place, path), { recursive: true });
  const { found } = await checkBoth({ directory: place, policy });
  check('a second history beside the stamps of the first is found', found[0] === 'checkpoint_forked checkpoint', found.join('; '));
}

/** A packet whose own checkpoint is stamped. */
async function ofPacket(check, { quick, one, stranger }) {
  const packet = await samplePacket();
  const note = Buffer.from(packet.model.snapshot.note);
  const { response } = await ask(one, note);
  const size = packet.model.snapshot.tree_size;
  const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
  const time = (await verifiedTime(one, note, response)).toISOString();
  const make = async (change = {}) => {
    const files = new Map(packet.files);
    const added = { 'stamps/one-0.tsr': response, [`stamps/checkpoint-${size}.note`]: note, [`stamps/${size}-to-${size}.consistency`]: Buffer.alloc(0), ...change.files }; // prettier-ignore
    for (const [name, bytes] of Object.entries(added)) files.set(name, bytes);
    const exhibits = [
      ...packet.model.exhibits,
      ...Object.entries(added).map(([name, bytes]) => ({ name, media_type: 'application/octet-stream', description: 'stamp', bytes: bytes.length, sha256: sha256(bytes), rows: null, query: null, total_rows: null })),
    ]; // prettier-ignore
    const stamp = { authority: 'one', signed_by: 'CN=One', tree_size: size, number: 0, time, certificate_ends: time, file: 'stamps/one-0.tsr', ...change.stamp }; // prettier-ignore
    const packetJson = Buffer.from(`${JSON.stringify({ ...packet.model, exhibits, stamps: change.stamps ?? [stamp] })}\n`);
    return sealPdf(renderPacket({ packetJson, files }).bytes, packet.signer);
  };
  const policyOf = (tsa) => `log ${packet.signer.vkey}\nquorum none\n${section('one', tsa)}`;
  const both = async (bytes, policy = policyOf(one)) => {
    const product = await verifyPacketByPolicy(bytes, { policy: readPolicyFile(policy) });
    const [script, browser] = await Promise.all(
      [parsePolicy(policy), parsePolicy(policy, browserCertificate)].map((read) =>
        verifyPacket({ bytes: new Uint8Array(bytes), name: 'packet.pdf', policy: read }),
      ),
    );
    const found = [product.problems, script.findings, browser.findings].map(([first]) =>
      first === undefined ? '' : `${first.code} ${first.where}`,
    );
    return { ok: product.ok && script.ok, found, proves: [product.proves, script.proves] };
  };
  const good = await make();
  const whole = await both(good);
  check(
    'a packet with a stamp verifies by both, which say before when it existed',
    whole.ok && whole.proves.every((lines) => lines.some((line) => line.includes(`leaves of its tree existed before ${time}`))),
    JSON.stringify(whole),
  );
  const flipped = Buffer.from(response);
  flipped[Math.floor(flipped.length / 2)] ^= 4;
  const cases = [
    ['a bit of the stamp, under a good seal', await make({ files: { 'stamps/one-0.tsr': flipped } }), 'stamp_invalid attachment stamps/one-0.tsr'],
    ['a proof that shows nothing', await make({ files: { [`stamps/${size}-to-${size}.consistency`]: Buffer.from(`${Buffer.alloc(32).toString('base64')}\n`) } }), `proof_invalid attachment stamps/${size}-to-${size}.consistency`],
    ['another time in packet.json', await make({ stamp: { time: '2020-01-01T00:00:00.000Z' } }), 'stamp_invalid attachment packet.json'],
    ['left out', await make({ stamps: [] }), 'stamp_missing stamps by one'],
    ['an authority outside the policy', good, 'stamp_invalid attachment stamps/one-0.tsr', policyOf(stranger)],
  ]; // prettier-ignore
  const wrong = [];
  for (const [title, bytes, expected, policy] of quick ? cases.slice(-1) : cases) {
    const { found } = await both(bytes, policy);
    if (found.some((one_) => one_ !== expected)) wrong.push(`${title}: ${found.join(' and ')}`);
  }
  check('a stamp of a packet: changed, unproved, retold, left out, by somebody else: named by both', wrong.length === 0, wrong.join(' | '));
}

async function verifiedTime(tsa, data, response) {
  const { verifyStamp } = await import('../../dist/libs/timestamp/src/index.js');
  return new Date((await verifyStamp({ response, data, roots: readCertificates(tsa.rootPem) })).genTime);
}
