// The arithmetic that the script and the page carry for browsers, against Node's; and that codes and documents name the same things.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LEAF_TYPES as productTypes, parseTrustPolicy } from '../../dist/libs/tlog/src/index.js';
import { formatVkey } from '../../dist/libs/signing/src/index.js';
import { FINDING_CODES, readPolicyFile } from '../../dist/libs/verify/src/index.js';
import { logSigner } from '../../dist/libs/verify/src/testing/make-log.js';
import { composePage } from '../../ops/verify/build-page.mjs';
import { ed25519Plain, LEAF_TYPES, parsePolicy, sha256Plain } from '../../ops/verify/affiant-verify.mjs';

const text = (path) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
const sha512 = (bytes) => new Uint8Array(createHash('sha512').update(bytes).digest());
const hex = (bytes) => Buffer.from(bytes).toString('hex');

export async function script(_directory, check, { quick }) {
  const wrongHash = Array.from({ length: 400 }, (_, length) => randomBytes(length)).filter(
    (bytes) => hex(sha256Plain(bytes)) !== createHash('sha256').update(bytes).digest('hex'),
  );
  const large = randomBytes(1 << 20);
  check(
    'its SHA-256 agrees with Node for every length from 0 to 399 and for a megabyte',
    wrongHash.length === 0 && hex(sha256Plain(large)) === createHash('sha256').update(large).digest('hex'),
  );

  const wrong = [];
  for (let round = 0; round < (quick ? 8 : 60); round += 1) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
    const message = new Uint8Array(randomBytes(round * 3));
    const signature = new Uint8Array(sign(null, message, privateKey));
    if (!(await ed25519Plain(key, message, signature, sha512))) wrong.push(`${round}: a good one is refused`);
    const bit = (bytes, at) => bytes.with(at, bytes[at] ^ (1 << (round % 8)));
    const cases = [[key, message, bit(signature, round % 64)], [bit(key, round % 32), message, signature], [key, new Uint8Array([...message, 1]), signature]]; // prettier-ignore
    for (const [k, m, s] of cases) if (await ed25519Plain(k, m, s, sha512)) wrong.push(`${round}: a bad one is accepted`);
    // S + L is the same number to a careless verifier (RFC 8032 section 5.1.7 asks for S < L).
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = signature.subarray(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
    const second = signature.slice();
    for (let at = 32; at < 64; at += 1, s >>= 8n) second[at] = Number(s & 255n);
    if (await ed25519Plain(key, message, second, sha512)) wrong.push(`${round}: S beyond the order is accepted`);
  }
  check('its Ed25519 accepts what Node signs, and nothing that was changed', wrong.length === 0, wrong.slice(0, 3).join('; '));

  const [log, one, two] = ['log.test', 'w.test/1', 'w.test/2'].map((name) => logSigner(name));
  const witness = (name, { name: key, publicKey }) => `witness ${name} ${formatVkey(key, publicKey, 'cosignature')}`;
  const good = [
    `${log.vkey}\n`,
    `log ${log.vkey}\nquorum none\n`,
    `# mine\nlog ${log.vkey} https://x.example/\n${witness('a', one)}\n${witness('b', two)}\ngroup g 1 a b\nquorum g\n`,
  ];
  const bad = ['', 'quorum none\n', `log ${log.vkey}\n`, `log ${log.vkey}x\nquorum none\n`, `log ${log.vkey}\nquorum a\n`, `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`,
    `log ${log.vkey}\n${witness('a', one)}\n${witness('a', two)}\nquorum a\n`, `log ${log.vkey}\n${witness('a', one)}\n${witness('b', one)}\nquorum a\n`, `log ${log.vkey}\n${witness('a', one)}\ngroup g 2 a\nquorum g\n`,
    `log ${log.vkey}\n${witness('none', one)}\nquorum none\n`, `log ${log.vkey}\n${witness('a', log)}\nquorum a\nquorum a\n`, `log ${log.vkey}\nfrobnicate\nquorum none\n`]; // prettier-ignore
  const reads = (read, policy) => {
    try {
      read(policy);
      return true;
    } catch {
      return false;
    }
  };
  const differ = [...good.map((policy) => [policy, true]), ...bad.map((policy) => [policy, false])].filter(([policy, wanted]) =>
    [readPolicyFile, parsePolicy].some((read) => reads(read, policy) !== wanted),
  );
  check(
    'both read the same trust policies and refuse the same',
    differ.length === 0 && reads(parseTrustPolicy, good[1]),
    JSON.stringify(differ),
  );

  check(
    'both know the same types of leaves (a new one goes into both)',
    LEAF_TYPES === productTypes.length,
    `${LEAF_TYPES} and ${productTypes.length}`,
  );

  const source = text('ops/verify/affiant-verify.mjs');
  const page = composePage();
  check(
    'the page holds the script unchanged, once, and no address of anything else',
    page.split(source.replace(/^#!.*\n/, '')).length === 2 && !/(src|href)="(?!data:,")/.test(page) && !/https?:\/\//.test(page),
  );
  const reference = text('docs/reference/verify.md');
  const used = new Set([...source.matchAll(/(?:add\(|code: )'([a-z_]+)'/g)].map(([, code]) => code));
  const unknown = [...used].filter((code) => code !== 'packet_invalid' && !FINDING_CODES.includes(code));
  const undocumented = [...FINDING_CODES, 'packet_invalid'].filter((code) => !reference.includes(`\`${code}\``));
  check(
    'every finding has one name in both and is documented',
    unknown.length === 0 && undocumented.length === 0 && used.size > 10,
    `${unknown.join()} ${undocumented.join()}`,
  );
}
