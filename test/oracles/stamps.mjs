// openssl and rfc3161-client judge time stamps over our checkpoints: what our code accepts they accept, what is tampered with all three refuse.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attachedFiles, readPdf } from '../../dist/apps/evidence/src/verify/read-pdf.js';
import { readCertificates, requestTimestamp, stampRequest, verifyStamp } from '../../dist/libs/timestamp/src/index.js';
import { openCheckpoint, verifyConsistency } from '../../dist/libs/tlog/src/index.js';
import { startTsa } from '../support/engines/tsa.mjs';
import { root } from '../support/instance.mjs';

const script = fileURLToPath(new URL('./tsp_judge.py', import.meta.url));
const LIMIT_MS = 120_000;

export async function judge({ check, judges, logs, instance, directory, figures }) {
  const { tsa } = instance;
  const roots = readCertificates(tsa.rootPem);
  const other = await startTsa({ name: 'Another Authority' });
  try {
    const data = Buffer.from(logs.at(-1).note);
    const begun = performance.now();
    const { response, verified } = await requestTimestamp({ name: 'test', url: tsa.url, roots, timeout: LIMIT_MS }, data);
    figures.stamp_ask_ms = Math.round(performance.now() - begun);
    figures.stamp_bytes = response.length;
    const verifying = performance.now();
    for (let round = 0; round < 20; round += 1) await verifyStamp({ response, data, roots });
    figures.stamp_verify_ms = Math.round((performance.now() - verifying) / 2) / 10;
    check(
      'our code gets a stamp over our checkpoint and verifies it',
      verified.chain.length === 2,
      new Date(verified.genTime).toISOString(),
    );

    const stranger = await requestTimestamp(
      { name: 'other', url: other.url, roots: readCertificates(other.rootPem), timeout: LIMIT_MS },
      data,
    );
    const cases = [
      { name: 'the stamp', response, data, good: true },
      { name: 'a stamp over another checkpoint', response, data: Buffer.from(logs[0].note), good: false },
      { name: "another authority's stamp", response: stranger.response, data, good: false },
      ...tampered(response).map((bytes, index) => ({ name: `tampered stamp ${index + 1}`, response: bytes, data, good: false })),
    ];
    const ours = await Promise.all(cases.map((one) => accepts({ ...one, roots })));
    check(`our code accepts the stamp and refuses ${cases.length - 1} bad ones`, agree(cases, ours), wrong(cases, ours));
    if (judges.openssl !== null) {
      const theirs = cases.map((one) => opensslAccepts(judges.openssl, directory, one, tsa.rootFile));
      check('openssl ts -verify says the same of each', agree(cases, theirs), wrong(cases, theirs));
    } else check('openssl can run here', process.env.CI !== 'true', 'MISSING: it judged nothing');
    if (judges.python !== null) {
      const theirs = pythonAccepts(judges.python, cases, tsa);
      check('rfc3161-client says the same of each', agree(cases, theirs), wrong(cases, theirs));
    } else check('rfc3161-client can run here', process.env.CI !== 'true', 'MISSING: it judged nothing');
    if (judges.openssl !== null) {
      const query = join(directory, 'query.tsq');
      writeFileSync(query, stampRequest(data, 'sha512').der);
      const { status, stdout } = spawnSync(judges.openssl, ['ts', '-query', '-in', query, '-text'], {
        encoding: 'utf8',
        timeout: LIMIT_MS,
      });
      const reads = status === 0 && /sha512/i.test(stdout) && /Certificate required: yes/.test(stdout);
      check('openssl reads our request', reads, reads ? '' : stdout.slice(0, 200));
      await ofTheInstance({ check, openssl: judges.openssl, instance, roots, directory });
    }
  } finally {
    await other.stop();
  }
}

/** What a running installation kept: each stamp is over the note beside it, or over that note and the stamp before. */
async function ofTheInstance({ check, openssl, instance, roots, directory }) {
  const folder = join(instance.state, 'tiles/stamps');
  const sizes = readdirSync(folder);
  const verdicts = [];
  for (const size of sizes) {
    const note = readFileSync(join(folder, size, 'checkpoint'));
    for (const name of readdirSync(join(folder, size)).filter((each) => each.endsWith('.tsr'))) {
      const response = readFileSync(join(folder, size, name));
      const one = { response, data: note };
      verdicts.push((await accepts({ ...one, roots })) && opensslAccepts(openssl, directory, one, instance.tsa.rootFile));
    }
  }
  check(
    `the stamps that a real instance kept verify, for us and for openssl (${verdicts.length})`,
    verdicts.length > 0 && !verdicts.includes(false),
  );
  await ofThePacket({ check, openssl, instance, directory });
  const told = instance.granted.map(({ response, note }) => ({ response: Buffer.from(response, 'base64'), data: Buffer.from(note) }));
  const good = await Promise.all(told.map((one) => accepts({ ...one, roots })));
  check(`the stamps in its events verify too (${good.length})`, good.length > 0 && !good.includes(false));
}

/** The packet attaches the stamp and what it takes to check it, and prints authority and time. */
async function ofThePacket({ check, openssl, instance, directory }) {
  const { packet, tsa } = instance;
  check('a packet is made', packet.state === 'done', packet.state);
  if (packet.state !== 'done') return;
  check('the packet with its stamps verifies', instance.verified.ok === true, `${instance.verified.checks?.length} checks`);
  const oneFile = join(root, 'ops/verify/affiant-verify.mjs');
  for (const place of [packet.path, join(instance.state, 'tiles')]) {
    const args = [oneFile, '--policy', join(instance.state, 'keys/ledger.vkey'), place];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: LIMIT_MS });
    check(
      `the one-file verifier accepts it, and the log with its stamps (${basename(place)})`,
      status === 0,
      status === 0 ? '' : (stdout + stderr).slice(-300),
    );
  }
  const pdf = readPdf(readFileSync(packet.path));
  const attachments = new Map(attachedFiles(pdf).map((file) => [file.name, file.data]));
  const { stamps = [], snapshot } = JSON.parse(attachments.get('packet.json'));
  check(
    'it names the time stamp with authority and time',
    stamps.length === 1 && stamps[0].signed_by.includes('Oracle Authority'),
    JSON.stringify(stamps),
  );
  for (const { file, tree_size: size } of stamps) {
    const one = { response: attachments.get(file), data: attachments.get(`stamps/checkpoint-${size}.note`) };
    check('openssl verifies the stamp attached to the packet', opensslAccepts(openssl, directory, one, tsa.rootFile), file);
    const lines = attachments.get(`stamps/${size}-to-${snapshot.tree_size}.consistency`).toString().split('\n').slice(0, -1);
    const proof = lines.map((line) => Buffer.from(line, 'base64'));
    const [old, now] = [openCheckpoint(one.data, [snapshot.vkey]), openCheckpoint(snapshot.note, [snapshot.vkey])];
    verifyConsistency(old.size, now.size, proof, old.root, now.root);
    check("the packet's tree extends the stamped one, by the attached proof", true, `${old.size} to ${now.size}`);
  }
}

/** A bit in the signed time, in the signature (its last bytes) and in the imprint. */
function tampered(response) {
  const time = response.indexOf(Buffer.from(`${new Date().getUTCFullYear()}`));
  const imprint = response.indexOf(Buffer.from('0420', 'hex'));
  return [time + 5, imprint + 10, response.length - 3].map((at) => {
    const bytes = Buffer.from(response);
    bytes[at] ^= 1;
    return bytes;
  });
}

async function accepts({ response, data, roots }) {
  try {
    await verifyStamp({ response, data, roots });
    return true;
  } catch (error) {
    if (!String(error.code).startsWith('timestamp_')) throw error;
    return false;
  }
}

function opensslAccepts(openssl, directory, { response, data }, rootFile) {
  const [dataFile, stampFile] = ['stamped', 'stamp.tsr'].map((name) => join(directory, name));
  writeFileSync(dataFile, data);
  writeFileSync(stampFile, response);
  const args = ['ts', '-verify', '-data', dataFile, '-in', stampFile, '-CAfile', rootFile];
  return spawnSync(openssl, args, { timeout: LIMIT_MS }).status === 0;
}

function pythonAccepts(python, cases, tsa) {
  const input = JSON.stringify({
    root: tsa.rootPem,
    certificate: readFileSync(tsa.certificateFile, 'utf8'),
    cases: cases.map(({ response, data }) => ({ response: response.toString('base64'), data: data.toString('base64') })),
  });
  const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8', timeout: LIMIT_MS });
  if (status !== 0) throw new Error(`rfc3161-client ended with ${status}: ${stderr.slice(-600)}`);
  return JSON.parse(stdout);
}

const agree = (cases, verdicts) => cases.every(({ good }, index) => good === verdicts[index]);
const wrong = (cases, verdicts) =>
  cases
    .flatMap(({ name, good }, index) => (good === verdicts[index] ? [] : [`${name}: ${verdicts[index] ? 'accepted' : 'refused'}`]))
    .join('; ');
