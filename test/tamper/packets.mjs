// A packet damaged in every attachment and at random places; and packets that the key itself sealed over something untrue.
import { createHash } from 'node:crypto';
import { parsePacketModel } from '../../dist/apps/evidence/src/model/packet-schema.js';
import { renderPacket } from '../../dist/apps/evidence/src/render/render-packet.js';
import { sealPdf } from '../../dist/apps/evidence/src/render/seal.js';
import { samplePacket } from '../../dist/apps/evidence/src/testing/sample-packet.js';
import { attachedFiles, readPdf } from '../../dist/apps/evidence/src/verify/read-pdf.js';
import { verifyPacketByPolicy } from '../../dist/apps/evidence/src/verify/verify-by-policy.js';
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { formatTlogProof, parseTlogProof, signCheckpoint } from '../../dist/libs/tlog/src/index.js';
import { logSigner, seeded } from '../../dist/libs/verify/src/testing/make-log.js';
import { readPolicyFile } from '../../dist/libs/verify/src/index.js';
import { parsePolicy, verifyPacket } from '../../ops/verify/affiant-verify.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Drawing is a pure function: many checks of almost the same file share it. */
function drawer() {
  const drawn = new Map();
  return async (input) => {
    const key = sha256(
      Buffer.concat([
        input.packetJson,
        input.manifest ?? Buffer.alloc(0),
        ...[...input.files].flatMap(([name, data]) => [Buffer.from(name), data]),
      ]),
    );
    if (!drawn.has(key)) {
      if (drawn.size >= 4) drawn.delete(drawn.keys().next().value);
      drawn.set(key, renderPacket(input));
    }
    return drawn.get(key);
  };
}

export async function packets(_directory, check, { quick }) {
  const packet = await samplePacket();
  const render = drawer();
  const both = async (bytes, policy = packet.signer.vkey, since) => {
    const older = since === undefined ? [] : [{ name: 'kept.note', note: since }];
    const product = await verifyPacketByPolicy(bytes, {
      policy: readPolicyFile(policy),
      render,
      ...(since === undefined ? {} : { since: older[0] }),
    });
    const script = await verifyPacket({ bytes: new Uint8Array(bytes), name: 'packet.pdf', policy: parsePolicy(policy), since: older });
    if (product.ok !== script.ok)
      throw new Error(
        `the two verifiers differ: ${JSON.stringify(product.problems.slice(0, 3))} ${JSON.stringify(script.findings.slice(0, 3))}`,
      );
    return {
      ok: product.ok,
      product: product.problems.map(({ where }) => where),
      script: script.findings.map(({ where }) => where),
      codes: script.findings.map(({ code }) => code),
    };
  };
  /** The script alone; the product's verifier draws every page again, which costs a hundred times as much. */
  const script = async (bytes) => {
    const { ok, findings } = await verifyPacket({
      bytes: new Uint8Array(bytes),
      name: 'packet.pdf',
      policy: parsePolicy(packet.signer.vkey),
    });
    const where = findings.map((one) => one.where);
    return { ok, product: where, script: where };
  };
  const flipped = (at, bit = 0) => {
    const bytes = Buffer.from(packet.sealed);
    bytes[at] ^= 1 << bit;
    return bytes;
  };

  const whole = await both(packet.sealed);
  check('an untouched packet verifies by both', whole.ok, JSON.stringify(whole));

  const pdf = readPdf(packet.sealed);
  const wrong = [];
  // The bounded run takes every fifth attachment and draws pages rarely: the whole run takes all.
  const files = attachedFiles(pdf).filter((_, index) => !quick || index % 5 === 0);
  for (const [number, { name, object }] of files.entries()) {
    const { start, end } = pdf.objects.get(object).stream;
    for (const place of quick ? [0.5] : [0.1, 0.5, 0.9]) {
      const ask = quick && number % 6 !== 0 ? script : both;
      const found = await ask(flipped(Math.floor(start + (end - start) * place), 2));
      const where = `attachment ${name}`;
      if (found.ok || !found.product.includes(where) || !found.script.includes(where)) wrong.push(`${name} ${JSON.stringify(found)}`);
    }
  }
  check(
    `one bit flipped in each of ${files.length} attachments: found and named by both`,
    wrong.length === 0 && files.length > 10,
    wrong.slice(0, 2).join(' | '),
  );

  const random = seeded(5);
  const text = packet.sealed.toString('latin1');
  const seal = text.lastIndexOf('(affiant-seal/1:');
  const missed = [];
  const rounds = quick ? 2 : 300;
  for (let round = 0; round < rounds; round += 1) {
    const at = Math.floor(random() * packet.sealed.length);
    const found = await both(flipped(at, Math.floor(random() * 8)));
    const inSeal = at > seal && at < seal + 160;
    if (found.ok || found.script[0] !== 'seal' || (!inSeal && !found.product.some((where) => where !== 'seal')))
      missed.push(`byte ${at}: ${JSON.stringify(found)}`);
  }
  check(`one bit flipped at ${rounds} random places: found by both, the part named`, missed.length === 0, missed.slice(0, 2).join(' | '));

  const shapes = [
    ['cut short', packet.sealed.subarray(0, -1000)],
    ['something appended', Buffer.concat([packet.sealed, Buffer.from('% later\n')])],
    ['not a packet', Buffer.from('%PDF-1.7\nhello')],
    ['nothing', Buffer.alloc(0)],
  ];
  const taken = [];
  for (const [title, bytes] of shapes) if ((await both(bytes)).ok) taken.push(title);
  check('cut, extended and foreign files are refused by both', taken.length === 0, taken.join(', '));

  // What the key itself sealed: manifest and digests agree, so only the proof against the signed tree can tell.
  const untrue = async (name, change) => {
    const data = change(packet.files.get(name));
    const attached = new Map(packet.files).set(name, data);
    const exhibits = packet.model.exhibits.map((one) => (one.name === name ? { ...one, bytes: data.length, sha256: sha256(data) } : one));
    const packetJson = Buffer.from(`${JSON.stringify({ ...packet.model, exhibits })}\n`);
    parsePacketModel(packetJson);
    return both(await sealPdf(renderPacket({ packetJson, files: attached }).bytes, packet.signer));
  };
  const proof = 'proofs/2.tlog-proof';
  const lies = [
    [proof, (bytes) => altered(bytes, (one) => ({ ...one, hashes: one.hashes.with(0, Buffer.alloc(32, 9)) })), `attachment ${proof}`],
    [proof, (bytes) => altered(bytes, (one) => ({ ...one, index: 3 })), `attachment ${proof}`],
    [proof, (bytes) => altered(bytes, (one) => ({ ...one, hashes: one.hashes.slice(1) })), `attachment ${proof}`],
    ['checkpoint.note', (bytes) => Buffer.from(bytes.toString().replace('\n11\n', '\n12\n')), 'attachment checkpoint.note'],
  ];
  const believed = [];
  for (const [name, change, where] of quick ? lies.slice(0, 1) : lies) {
    const found = await untrue(name, change);
    if (found.ok || !found.product.includes(where) || !found.script.includes(where)) believed.push(`${name}: ${JSON.stringify(found)}`);
  }
  check('a proof or checkpoint that is untrue under a good seal: found and named by both', believed.length === 0, believed.join(' | '));

  const witness = logSigner('witness.test/a');
  const quorum = `log ${packet.signer.vkey}\nwitness w ${formatVkey(witness.name, witness.publicKey, 'cosignature')}\nquorum w\n`;
  const unmet = await both(packet.sealed, quorum);
  check(
    'a packet without its quorum of witnesses is refused by both',
    unmet.codes[0] === 'quorum_unmet' && unmet.product[0] === 'attachment checkpoint.note, cosignatures',
    JSON.stringify(unmet),
  );
  const cosigned = await samplePacket({}, packet.signer, [witness]);
  const met = await both(cosigned.sealed, quorum);
  check('a packet that is cosigned meets the quorum by itself', met.ok, JSON.stringify(met));
  const connected = await both(packet.sealed, packet.signer.vkey, packet.previousNote);
  check('a packet is connected with the one before it by the proof it carries', connected.ok, JSON.stringify(connected));
  const stranger = await both(packet.sealed, logSigner().vkey);
  check('another key is refused by both', !stranger.ok && stranger.script[0] === 'seal', JSON.stringify(stranger));

  // The key was rotated afterwards and the old one retired: the reader's policy still names both.
  const next = logSigner(packet.signer.name);
  const rotated = `log ${next.vkey}\nlog ${packet.signer.vkey}\nquorum none\n`;
  const [early, late] = [await both(packet.sealed, rotated), await both((await samplePacket({}, next)).sealed, rotated)];
  const dropped = await both(packet.sealed, next.vkey);
  check(
    'packets of before and after a rotation verify by both under a policy that lists both keys; under the new key alone the old one does not',
    early.ok && late.ok && !dropped.ok && dropped.script[0] === 'seal' && dropped.product[0] === 'seal',
    JSON.stringify([early, late, dropped]),
  );

  const note = (size, fill) => signCheckpoint({ origin: packet.signer.name, size, root: Buffer.alloc(32, fill) }, [packet.signer]);
  const history = [
    [await note(20, 1), 'checkpoint_rolled_back'],
    [await note(11, 1), 'checkpoint_forked'],
    [await note(5, 1), 'consistency_unproved'],
    [await note(7, 1), 'checkpoint_forked'],
  ];
  const passed = [];
  for (const [since, code] of history) {
    const found = await both(packet.sealed, packet.signer.vkey, since);
    if (found.codes[0] !== code) passed.push(`${code}: ${JSON.stringify(found)}`);
  }
  const same = await both(packet.sealed, packet.signer.vkey, packet.model.snapshot.note);
  check(
    'an earlier checkpoint: an older packet, a fork and a missing proof are named; the same one passes',
    passed.length === 0 && same.ok,
    passed.join(' | '),
  );
}

const altered = (bytes, change) => Buffer.from(formatTlogProof(change(parseTlogProof(bytes.toString()))));
