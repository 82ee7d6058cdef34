#!/usr/bin/env node
// affiant-verify: checks an Affiant packet (PDF) or log (directory of tiles) with nothing but Node >= 20.12, or in a browser.
// One file, no dependencies, written to be read from top to bottom before you trust it:
//
//   1 bytes and hashes   2 Ed25519   3 signed notes and trust policies   4 Merkle tree   5 leaves and chains
//   6 time stamps   7 a whole log   8 a packet   9 reports   10 the command line
//
// Formats: RFC 6962 (tree), RFC 8032 (Ed25519), RFC 3161 and 5652 (time stamps), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof, tlog-policy;
// Affiant's leaf and packet seal: docs/reference/log.md and packet.md. It was written apart from the product's own verifier, and a test
// holds the two against each other.
//
//   node affiant-verify.mjs --policy FILE PLACE [--since CHECKPOINT] [--json]
//
// FILE says whom you trust: a C2SP tlog-policy, or the log's public key (vkey) in one line; after it, where you trust time stamp authorities, lines
// `authority NAME`, each with the PEM certificates of its roots below it. Get it from somewhere else than PLACE.
// Exit code 0: verifies, 1: does not, 2: wrong use.

// ---- 1. Bytes and hashes ------------------------------------------------------------------------------------------------------------

const node = typeof process === 'object' && process.versions?.node ? await import('node:crypto') : null;
const utf8 = new TextEncoder();
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const equal = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);
const textOf = (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Standard base64 with padding in its one spelling; null otherwise. */
function fromBase64(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : null;
}

function toBase64(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** 64-bit big-endian count; null beyond 2^53. */
function count64(bytes, at) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const value = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return Number.isSafeInteger(value) ? value : null;
}

// FIPS 180-4, for browsers: WebCrypto's digest is asynchronous, which is slow for millions of small inputs and missing on plain http.
const K = new Uint32Array(64);
const H0 = new Uint32Array(8);
{
  // The constants are the fractional parts of cube and square roots of the first primes.
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const root = (value, degree) => {
    // floor(value^(1/degree) * 2^32) by exact integer bisection, then its low 32 bits.
    const target = BigInt(value) << BigInt(32 * degree);
    let [low, high] = [0n, BigInt(value) << 32n];
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (middle ** BigInt(degree) <= target) low = middle;
      else high = middle - 1n;
    }
    return Number(low & 0xffffffffn);
  };
  primes.forEach((prime, index) => (K[index] = root(prime, 3)));
  primes.slice(0, 8).forEach((prime, index) => (H0[index] = root(prime, 2)));
}

const W = new Uint32Array(64);
export function sha256Plain(message) {
  const length = message.length;
  const padded = new Uint8Array(((length + 8) >> 6) * 64 + 64);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(padded.length - 4, (length * 8) >>> 0);
  const state = Uint32Array.from(H0);
  const rotate = (x, n) => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t += 1) W[t] = view.getUint32(block + t * 4);
    for (let t = 16; t < 64; t += 1) {
      const s0 = rotate(W[t - 15], 7) ^ rotate(W[t - 15], 18) ^ (W[t - 15] >>> 3);
      const s1 = rotate(W[t - 2], 17) ^ rotate(W[t - 2], 19) ^ (W[t - 2] >>> 10);
      W[t] = (W[t - 16] + s0 + W[t - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let t = 0; t < 64; t += 1) {
      const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    state.set([a + state[0], b + state[1], c + state[2], d + state[3], e + state[4], f + state[5], g + state[6], h + state[7]]);
  }
  const digest = new Uint8Array(32);
  state.forEach((word, index) => new DataView(digest.buffer).setUint32(index * 4, word));
  return digest;
}

const sha256 = node === null ? sha256Plain : (bytes) => new Uint8Array(node.createHash('sha256').update(bytes).digest());

// ---- 2. Ed25519 (RFC 8032) -----------------------------------------------------------------------------------------------------------
// Node and WebCrypto do it where they can. The arithmetic below is the fallback of a browser that cannot: it only verifies, so it holds no
// secret and need not run in constant time.

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;
function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}
const D = mod(-121665n * power(121666n, P - 2n));
const SQRT_M1 = power(2n, (P - 1n) / 4n);
const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** Points as [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 section 5.1.4). */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, point) {
  let sum = [0n, 1n, 1n, 0n];
  for (let p = point, s = scalar; s > 0n; s >>= 1n, p = add(p, p)) if (s & 1n) sum = add(sum, p);
  return sum;
}

/** Section 5.1.3; null when the bytes are no point. */
function decodePoint(bytes) {
  const sign = bytes[31] >> 7;
  const y = little(bytes) & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const x2 = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n));
  let x = power(x2, (P + 3n) / 8n);
  if (mod(x * x - x2) !== 0n) x = mod(x * SQRT_M1);
  if (mod(x * x - x2) !== 0n || (x === 0n && sign === 1)) return null;
  if (Number(x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

const BASE = decodePoint(Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 0x58 : 0x66)));

/** `sha512` gives bytes or a promise of bytes. */
export async function ed25519Plain(publicKey, message, signature, sha512) {
  const [a, r] = [decodePoint(publicKey), decodePoint(signature.subarray(0, 32))];
  const s = little(signature.subarray(32));
  if (a === null || r === null || s >= L) return false;
  const k = little(await sha512(concat(signature.subarray(0, 32), publicKey, message))) % L;
  const [left, right] = [times(s, BASE), add(r, times(k, a))];
  return mod(left[0] * right[2] - right[0] * left[2]) === 0n && mod(left[1] * right[2] - right[1] * left[2]) === 0n;
}

async function verifyEd25519(publicKey, message, signature) {
  if (signature.length !== 64 || publicKey.length !== 32) return false;
  if (node !== null) {
    const spki = concat(Uint8Array.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]), publicKey);
    return node.verify(null, message, node.createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), signature);
  }
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message);
  } catch {
    if (globalThis.crypto?.subtle === undefined) throw new Error('this browser gives this page no WebCrypto: open the file from disk');
    return ed25519Plain(publicKey, message, signature, async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-512', bytes)));
  }
}

// ---- 3. Signed notes and trust policies ------------------------------------------------------------------------------------------------

const ED25519_NOTE = 0x01;
const ED25519_COSIGNATURE = 0x04;

/** `name+id+base64(type || key)`; throws when it is not exactly that. */
function parseVkey(text, type) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = fromBase64(encoded ?? '');
  if (bytes === null || bytes.length !== 33 || bytes[0] !== type) throw new Error(`not a key of signature type ${type}: ${text}`);
  if (hexOf(sha256(concat(utf8.encode(`${name}\n`), bytes)).subarray(0, 4)) !== id) throw new Error(`the key id of ${name} is wrong`);
  return { name, id, key: bytes.subarray(1) };
}

/** C2SP tlog-policy, or one vkey; then sections `authority NAME` with PEM certificates, to be read by Node, or as a browser has to. */
export function parsePolicy(whole, readCertificate = node === null ? browserCertificate : nodeCertificate) {
  const [text, ...sections] = whole.split(/^(?=authority[ \t])/m);
  if (sections.length > 0) return { ...parsePolicy(text), authorities: parseAuthorities(sections, readCertificate) };
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 1 && !/\s/.test(lines[0].trim())) return parsePolicy(`log ${lines[0].trim()}\nquorum none\n`);
  const policy = { logs: [], witnesses: [], groups: [], quorum: undefined, authorities: [] };
  const members = new Map();
  const define = (name) => {
    if (name === 'none' || members.has(name)) throw new Error(`trust policy: ${name} cannot be defined, or not twice`);
    members.set(name, false);
  };
  const fresh = (list, key) => {
    if (list.some((one) => equal(one.key, key))) throw new Error('trust policy: one key stands there twice');
  };
  for (const line of lines) {
    const [word, ...rest] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (word.startsWith('#')) continue;
    if (word === 'log' && (rest.length === 1 || rest.length === 2)) {
      const log = parseVkey(rest[0], ED25519_NOTE);
      fresh(policy.logs, log.key);
      policy.logs.push(log);
    } else if (word === 'witness' && (rest.length === 2 || rest.length === 3)) {
      const witness = parseVkey(rest[1], ED25519_COSIGNATURE);
      fresh(policy.witnesses, witness.key);
      define(rest[0]);
      policy.witnesses.push({ ...witness, title: rest[0] });
    } else if (word === 'group' && rest.length >= 3) {
      const [name, wanted, ...parts] = rest;
      const threshold = wanted === 'any' ? 1 : wanted === 'all' ? parts.length : /^[1-9]\d*$/.test(wanted) ? Number(wanted) : 0;
      if (threshold < 1 || threshold > parts.length) throw new Error(`trust policy: group ${name} wants ${wanted} of ${parts.length}`);
      for (const part of parts) {
        if (members.get(part) !== false) throw new Error(`trust policy: ${part} is not defined above, or is a member already`);
        members.set(part, true);
      }
      define(name);
      policy.groups.push({ name, threshold, parts });
    } else if (word === 'quorum' && rest.length === 1 && policy.quorum === undefined) {
      if (rest[0] !== 'none' && !members.has(rest[0])) throw new Error(`trust policy: the quorum ${rest[0]} is not defined`);
      policy.quorum = rest[0] === 'none' ? null : rest[0];
    } else throw new Error(`trust policy: cannot read the line ${JSON.stringify(line)}`);
  }
  if (policy.logs.length === 0 || policy.quorum === undefined) throw new Error('trust policy: it needs a log and a quorum');
  return policy;
}

function parseAuthorities(sections, readCertificate) {
  if (node === null && globalThis.crypto?.subtle === undefined)
    throw new Error('this browser gives this page no WebCrypto, so it cannot check time stamps: open the file from disk');
  const authorities = sections.map((section) => {
    const [line, ...rest] = section.split(/\r?\n/);
    const name = /^authority[ \t]+([a-z0-9][a-z0-9._-]{0,63})[ \t]*$/.exec(line)?.[1];
    const pem = rest.join('\n');
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (name === undefined || blocks.length === 0 || blocks.reduce((text, block) => text.replace(block, ''), pem).trim() !== '')
      throw new Error(`trust policy: ${JSON.stringify(line)} has to be followed by PEM certificates alone`);
    const roots = blocks.map((block) => {
      try {
        return readCertificate(fromBase64(block.replaceAll(/-----[^-]+-----|\s/g, '')));
      } catch {
        throw new Error(`trust policy: a certificate of ${name} cannot be read`);
      }
    });
    return { name, roots, readCertificate };
  });
  if (new Set(authorities.map(({ name }) => name)).size < authorities.length)
    throw new Error('trust policy: an authority stands there twice');
  return authorities;
}

/** Text and signature lines of a note; throws when it is not one. */
function parseNote(bytes) {
  const whole = typeof bytes === 'string' ? bytes : textOf(bytes);
  // eslint-disable-next-line no-control-regex
  if (whole.length > 1_000_000 || /[\u0000-\u0009\u000b-\u001f]/.test(whole)) throw new Error('the note holds control characters');
  const split = whole.lastIndexOf('\n\n');
  if (split < 0 || !whole.endsWith('\n')) throw new Error('the note has no signature block');
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > 100) throw new Error('the note has too many signatures');
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^\u2014 ([^ +]+) (.+)$/u.exec(line) ?? [];
    const data = fromBase64(encoded ?? '');
    if (data === null || data.length < 5) throw new Error('a signature line is malformed');
    return { name, id: hexOf(data.subarray(0, 4)), data: data.subarray(4) };
  });
  return { text: whole.slice(0, split + 1), signatures };
}

function parseHead(text) {
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/=]+)\n$/.exec(text) ?? [];
  const hash = fromBase64(root ?? '');
  if (hash === null || hash.length !== 32 || !Number.isSafeInteger(Number(size)))
    throw new Error('a checkpoint has three lines: origin, size, root');
  return { origin, size: Number(size), root: hash };
}

/** Head of a checkpoint under the policy; null, with a finding, when no log of the policy has signed it. */
async function checkHead(policy, bytes, where, findings) {
  let note;
  let head;
  try {
    note = parseNote(bytes);
    head = parseHead(note.text);
  } catch (error) {
    findings.add('checkpoint_invalid', where, error.message);
    return null;
  }
  const mine = (key) => note.signatures.filter((one) => one.name === key.name && one.id === key.id);
  let signed = false;
  for (const log of policy.logs) {
    for (const { data } of mine(log)) {
      if (await verifyEd25519(log.key, utf8.encode(note.text), data)) signed ||= log.name === head.origin;
      else {
        findings.add('checkpoint_invalid', where, `the signature by ${log.name} does not verify`);
        return null;
      }
    }
  }
  if (!signed) {
    findings.add('checkpoint_invalid', where, 'no signature by a log key of the policy');
    return null;
  }
  const cosigned_by = [];
  for (const witness of policy.witnesses) {
    for (const { data } of mine(witness).slice(0, 1)) {
      const time = data.length === 72 ? count64(data, 0) : null;
      const message = utf8.encode(`cosignature/v1\ntime ${time}\n${note.text}`);
      if (time === null || !(await verifyEd25519(witness.key, message, data.subarray(8)))) {
        findings.add('cosignature_invalid', `${where}, cosignature by ${witness.title}`, 'it does not verify');
        return { head, cosigned_by: [] };
      }
      cosigned_by.push({ name: witness.title, at: timeText(time) });
    }
  }
  const met = new Set(cosigned_by.map(({ name }) => name));
  for (const { name, threshold, parts } of policy.groups) if (parts.filter((part) => met.has(part)).length >= threshold) met.add(name);
  if (policy.quorum !== null && !met.has(policy.quorum))
    findings.add(
      'quorum_unmet',
      `${where}, cosignatures`,
      `the quorum ${policy.quorum} of the policy is not met: cosigned by ${cosigned_by.map(({ name }) => name).join(', ') || 'none'}`,
    );
  return { head, cosigned_by };
}

function timeText(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
}

// ---- 4. Merkle tree (RFC 6962) and tiles -------------------------------------------------------------------------------------------------

const WIDTH = 256;
const LEAF = 187;
const ENTRY = LEAF + 2;
const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));
const parent = (left, right) => sha256(concat(Uint8Array.of(1), left, right));
const largestPowerBelow = (n) => 2 ** Math.ceil(Math.log2(n) - 1);

/** Root over roots of equally large perfect subtrees: each peak is the root of a power of two of them. */
function rootOf(hashes) {
  if (hashes.length === 0) return sha256(new Uint8Array());
  if (hashes.length === 1) return hashes[0];
  const middle = largestPowerBelow(hashes.length);
  return parent(rootOf(hashes.slice(0, middle)), rootOf(hashes.slice(middle)));
}

/** RFC 9162 section 2.1.3.2. */
function includes(index, size, leaf, proof, root) {
  if (!(index >= 0 && index < size)) return false;
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = parent(sibling, hash);
      for (; fn % 2 === 0 && fn !== 0; sn = Math.floor(sn / 2)) fn /= 2;
    } else hash = parent(hash, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && equal(hash, root);
}

/** Tree size -> hashes of a tile: 256 when full, 0 when it does not exist. */
const tileWidth = (level, index, size) => Math.max(0, Math.min(WIDTH, Math.floor(size / WIDTH ** level) - index * WIDTH));

function tilePath(kind, index, width) {
  let name = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    name = `x${String(rest % 1000).padStart(3, '0')}/${name}`;
  return `tile/${kind}/${name}${width === WIDTH ? '' : `.p/${width}`}`;
}

/** A tile, or the first part of the full one when the partial file was deleted after the full one came. */
async function readTile(get, kind, index, width) {
  const bytes = await get(tilePath(kind, index, width));
  if (bytes !== null || width === WIDTH) return bytes;
  const full = await get(tilePath(kind, index, WIDTH));
  const part = kind === 'entries' ? ENTRY : 32;
  return full !== null && full.length === WIDTH * part ? full.subarray(0, width * part) : full;
}

const hashesOf = (tile) => Array.from({ length: tile.length / 32 }, (_, index) => tile.subarray(index * 32, index * 32 + 32));

// ---- 5. Leaves and chains ------------------------------------------------------------------------------------------------------------------

export const LEAF_TYPES = 15;
const UNDECODABLE = 7;

/** Strict: null when the bytes are not the one encoding of a leaf. */
export function decodeLeaf(bytes) {
  const length = bytes[122];
  if (bytes.length !== LEAF || bytes[0] !== 1 || bytes[1] < 1 || bytes[1] > LEAF_TYPES || length < 1 || length > 64) return null;
  const [epoch, seq, time] = [count64(bytes, 2), count64(bytes, 10), count64(bytes, 18)];
  const name = bytes.subarray(123, 123 + length);
  if (epoch === null || seq === null || time === null || name.includes(0) || bytes.subarray(123 + length).some((byte) => byte !== 0))
    return null;
  try {
    const source = textOf(name);
    return { type: bytes[1], epoch, seq, time, payload: bytes.subarray(58, 90), previous: bytes.subarray(90, 122), source };
  } catch {
    return null;
  }
}

/** Follows each source: numbers grow by one, and each leaf names the hash before. What is left out must be checkpoint events, which are no leaves. */
class Chains {
  constructor(findings) {
    this.findings = findings;
    this.sources = new Map();
    this.skips = 0;
  }

  read(bytes, index) {
    const leaf = decodeLeaf(bytes);
    if (leaf === null) {
      this.findings.add('leaf_malformed', `leaf ${index}`, 'it is not in the one valid encoding of a leaf');
      this.skips += 1;
      return;
    }
    const { source, seq, epoch, previous, payload } = leaf;
    if (source.includes('/')) return;
    const undecodable = leaf.type === UNDECODABLE;
    const before = this.sources.get(source);
    const known = before === undefined ? this.skips === 0 : before.skips === this.skips;
    const last = before?.seq ?? 0;
    const one = before ?? { first: seq, leaves: 0, missing: 0, first_missing: null, epoch: 0 };
    const where = `leaf ${index}`;
    if (known && before !== undefined && seq <= last)
      this.findings.add(seq === last ? 'seq_repeated' : 'seq_disordered', where, `source ${source}: seq ${seq} comes after seq ${last}`);
    else if (known && seq === last + 1) {
      if (!undecodable && !equal(previous, before?.payload ?? new Uint8Array(32)))
        this.findings.add('chain_broken', where, `source ${source}: prev_hash of seq ${seq} is not the hash of seq ${last}`);
    } else if (known) {
      one.missing += seq - last - 1;
      one.first_missing ??= last + 1;
      if (before !== undefined && !undecodable && equal(previous, before.payload))
        this.findings.add(
          'chain_broken',
          where,
          `source ${source}: seq ${seq} follows seq ${last} by its prev_hash, and not by its number`,
        );
    }
    if (known && before !== undefined && !undecodable && epoch < one.epoch)
      this.findings.add('seq_disordered', where, `source ${source}: boot epoch ${epoch} comes after ${one.epoch}`);
    this.sources.set(source, {
      ...one,
      leaves: one.leaves + 1,
      seq,
      payload: payload.slice(),
      epoch: undecodable ? one.epoch : epoch,
      skips: this.skips,
    });
  }
}

class Findings {
  list = [];
  add(code, where, message) {
    this.list.push({ code, where, message });
  }
}

// ---- 6. Time stamps (RFC 3161) ----------------------------------------------------------------------------------------------------------
// A stamp is DER: a status, and a CMS message whose content says "this digest existed at that time", signed by a certificate that must lead to a
// root of your policy. Not looked at: revocation, length limits, names and policies that a CA's certificate may lay down for those below it
// (`openssl ts -verify` and `affiant verify` do the last three). Certificates are read by Node, and in a browser by the reader below; signatures
// are verified by Node or WebCrypto.

const DIGESTS = { '608648016503040201': 'sha256', '608648016503040202': 'sha384', '608648016503040203': 'sha512' };
const OID = {
  signedData: '2a864886f70d010702',
  tstInfo: '2a864886f70d0109100104',
  contentType: '2a864886f70d010903',
  messageDigest: '2a864886f70d010904',
  signingCertificate: '2a864886f70d010910020c',
  signingCertificateV2: '2a864886f70d010910022f',
  extendedKeyUsage: '551d25',
  timeStamping: '2b06010505070308',
  basicConstraints: '551d13',
  keyUsage: '551d0f',
  mgf1: '2a864886f70d010108',
  pss: '2a864886f70d01010a',
};

/** How a signature may name its arithmetic: RSA with the digest left open, or with it; ECDSA with it; RSASSA-PSS, whose parameters OpenSSL reads. */
const SIGNATURES = {
  sha256: ['2a864886f70d010101', '2a864886f70d01010b', '2a8648ce3d040302'],
  sha384: ['2a864886f70d010101', '2a864886f70d01010c', '2a8648ce3d040303'],
  sha512: ['2a864886f70d010101', '2a864886f70d01010d', '2a8648ce3d040304'],
};

/** Values that fill the bytes, each {tag, body, raw, kids}; the shortest form of every length, as DER has it. Throws. */
function der(bytes, depth = 0) {
  const values = [];
  for (let at = 0; at < bytes.length;) {
    const [tag, first] = [bytes[at], bytes[at + 1] ?? 0x80];
    const more = first < 0x80 ? 0 : first & 0x7f;
    const from = at + 2 + more;
    let length = more === 0 ? first : 0;
    for (let index = at + 2; index < from; index += 1) length = length * 256 + bytes[index];
    const shortest = more === 0 || length >= (more === 1 ? 0x80 : 256 ** (more - 1));
    if (
      (tag & 0x1f) === 0x1f ||
      first === 0x80 ||
      more > 3 ||
      from > bytes.length ||
      !shortest ||
      from + length > bytes.length ||
      depth > 40
    )
      throw new Error('it is not DER');
    if (tag === 0x10 || tag === 0x11) throw new Error('it is not DER');
    const [body, raw] = [bytes.subarray(from, from + length), bytes.subarray(at, from + length)];
    values.push({ tag, body, raw, hex: hexOf(body), kids: tag & 0x20 ? der(body, depth + 1) : [] });
    at = from + length;
  }
  return values;
}

function need(condition, message) {
  if (!condition) throw new Error(message);
}

/** The values inside one of this tag: 0x30 a sequence, 0x31 a set, 0xa0 and up explicit ones. */
function inside(value, tag) {
  need(value?.tag === tag, 'it is not of the form of a time stamp');
  return value.kids;
}

/** SHA-1 names a certificate in stamps of before RFC 5816, and nothing is believed by it: the chain is what counts. */
async function digestOf(name, bytes) {
  if (node !== null) return new Uint8Array(node.createHash(name).update(bytes).digest());
  return new Uint8Array(await crypto.subtle.digest(name.replace('sha', 'SHA-'), bytes));
}

/** A certificate is {id, from, to, ca, isIssuedBy, isSignedBy, hasSigned}, times in milliseconds: by Node here, below as a browser has to read it. */
export function nodeCertificate(bytes) {
  const x509 = new node.X509Certificate(bytes);
  const padding = { padding: node.constants.RSA_PKCS1_PSS_PADDING, saltLength: node.constants.RSA_PSS_SALTLEN_AUTO };
  return {
    x509,
    id: x509.fingerprint256,
    from: Date.parse(x509.validFrom),
    to: Date.parse(x509.validTo),
    ca: x509.ca,
    isIssuedBy: (issuer) => x509.checkIssued(issuer.x509),
    isSignedBy: async (issuer) => x509.verify(issuer.x509.publicKey),
    hasSigned: async (digest, algorithm, data, signature) =>
      node.verify(digest, data, algorithm.kids[0].hex === OID.pss ? { key: x509.publicKey, ...padding } : x509.publicKey, signature),
  };
}

/** X.509 as RFC 5280 has it: whole is (body, algorithm, signature), body is [version], serial, algorithm, issuer, validity, subject, key, [extensions]. */
export function browserCertificate(bytes) {
  const [whole, ...after] = der(bytes);
  const [body, algorithm, signature] = inside(whole, 0x30);
  const fields = inside(body, 0x30).filter(({ tag }) => tag !== 0xa0);
  const [, named, issuer, validity, subject, key] = fields;
  const [from, to] = inside(validity, 0x30).map(timeOf);
  const extensions = fields.find(({ tag }) => tag === 0xa3)?.kids[0].kids ?? [];
  const extension = (oid) => {
    const all = extensions.filter(({ kids }) => kids[0].hex === oid);
    need(all.length <= 1, 'a certificate has an extension twice');
    return all.length === 0 ? undefined : der(all[0].kids.at(-1).body)[0];
  };
  const [constraints, usage] = [extension(OID.basicConstraints), extension(OID.keyUsage)];
  const isForCertificates = usage === undefined || (usage.tag === 3 && (usage.body[1] & 0x04) !== 0);
  need(after.length === 0 && signature.tag === 3 && signature.body[0] === 0, 'a certificate is malformed');
  return {
    subject,
    id: hexOf(sha256(bytes)),
    from,
    to,
    ca: constraints?.kids[0]?.tag === 1 && constraints.kids[0].hex === 'ff' && isForCertificates,
    isIssuedBy: (other) => equal(issuer.raw, other.subject.raw),
    isSignedBy: async (other) =>
      equal(algorithm.raw, named.raw) && other.hasSigned(digestNamedBy(algorithm), algorithm, body.raw, signature.body.subarray(1)),
    hasSigned: (digest, by, data, value) => verifyByKey(key, digest, by, data, value),
  };
}

/** UTCTime, of 1950 to 2049, or GeneralizedTime; in whole seconds, as certificates have it. */
function timeOf({ tag, body }) {
  const text = textOf(body);
  const whole = tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const [, year, month, ...rest] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole) ?? [];
  need((tag === 0x17 || tag === 0x18) && year !== undefined, 'a time of a certificate is malformed');
  return Date.UTC(year, month - 1, ...rest);
}

/** The digest that an algorithm for certificates implies; undefined for all others, SHA-1 among them. */
function digestNamedBy({ kids: [scheme, parameters] }) {
  if (scheme.hex === OID.pss) return DIGESTS[parameters?.kids.find(({ tag }) => tag === 0xa0)?.kids[0].kids[0].hex];
  return Object.keys(SIGNATURES).find((name) => SIGNATURES[name].slice(1).includes(scheme.hex));
}

/** By WebCrypto; null for a kind that it has not, as SHA-1 here. `by` is the AlgorithmIdentifier. */
async function verifyByKey(key, digest, by, data, signature) {
  const [scheme, parameters] = by.kids;
  const hash = digest?.replace('sha', 'SHA-');
  const isEcdsa = SIGNATURES[digest]?.[2] === scheme.hex;
  const curve = CURVES[inside(key, 0x30)[0].kids[1]?.hex];
  if (hash === undefined || (isEcdsa && curve === undefined)) return null;
  const salt = scheme.hex === OID.pss ? saltOf(parameters, digest) : 0;
  const value = isEcdsa ? plainEcdsa(signature, curve.bytes) : signature;
  if (salt === null || value === null) return false;
  const name = isEcdsa ? 'ECDSA' : scheme.hex === OID.pss ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  try {
    const imported = await crypto.subtle.importKey('spki', key.raw, { name, hash, namedCurve: curve?.name }, false, ['verify']);
    return await crypto.subtle.verify({ name, hash, saltLength: salt }, imported, value, data);
  } catch {
    return null;
  }
}

const CURVES = {
  '2a8648ce3d030107': { name: 'P-256', bytes: 32 },
  '2b81040022': { name: 'P-384', bytes: 48 },
  '2b81040023': { name: 'P-521', bytes: 66 },
};

/** RSASSA-PSS parameters (RFC 4055): digest, mask generation by the same digest, length of the salt; null when they are others. */
function saltOf(parameters, digest) {
  const [hash, mask, salt, ...more] = parameters?.kids ?? [];
  const isSame = (algorithm) => algorithm?.tag === 0x30 && DIGESTS[algorithm.kids[0].hex] === digest;
  const [generator, by] = mask?.tag === 0xa1 ? mask.kids[0].kids : [];
  const length = salt?.kids[0];
  if (hash?.tag !== 0xa0 || !isSame(hash.kids[0]) || generator?.hex !== OID.mgf1 || !isSame(by) || more.length > 0) return null;
  return salt.tag === 0xa2 && length.tag === 2 && length.body.length === 1 && length.body[0] < 0x80 ? length.body[0] : null;
}

/** WebCrypto wants r and s side by side, X.509 has a sequence of two numbers; null when it is not in the one form. */
function plainEcdsa(signature, bytes) {
  const [pair, ...after] = der(signature);
  if (after.length > 0 || pair.tag !== 0x30 || pair.kids.length !== 2) return null;
  const numbers = pair.kids.map(({ tag, body }) => {
    const isShortest = body.length > 0 && body[0] < 0x80 && !(body[0] === 0 && !(body[1] >= 0x80));
    const value = body[0] === 0 ? body.subarray(1) : body;
    return tag === 2 && isShortest && value.length <= bytes ? concat(new Uint8Array(bytes - value.length), value) : null;
  });
  return numbers.includes(null) ? null : concat(...numbers);
}

/** Whether the stamp is over `data`, by a chain to one of `roots`. @returns its time and the end of its certificate, in milliseconds */
async function readStamp(response, data, { roots, readCertificate }) {
  need(response.length <= 256 * 1024, 'it is too large');
  const [answer, ...after] = der(response);
  const [status, token] = inside(answer, 0x30);
  const [granted] = inside(status, 0x30);
  need(after.length === 0 && hexOf(granted.raw) === '020100' && token !== undefined, 'it is no granted stamp');
  const [kind, message] = inside(token, 0x30);
  need(kind.tag === 6 && kind.hex === OID.signedData, 'it is no signed message');
  const [version, digests, content, ...rest] = inside(inside(message, 0xa0)[0], 0x30);
  const certificates = rest.find(({ tag }) => tag === 0xa0)?.kids.filter(({ tag }) => tag === 0x30) ?? [];
  const signers = inside(rest.at(-1), 0x31);
  need(signers.length === 1 && certificates.length <= 16, 'it does not have exactly one signature');
  const [signerVersion, signerId, digest, attributes, algorithm, signature] = inside(signers[0], 0x30);
  const name = DIGESTS[inside(digest, 0x30)[0].hex];
  need(version.tag === 2 && version.hex === '03' && signerVersion.tag === 2 && signerVersion.hex === '01', 'it is of an unknown version');
  need(name !== undefined && (digest.kids.length === 1 || hexOf(digest.kids[1].raw) === '0500'), 'its signature is not by SHA-2');
  need(digests.tag === 0x31 && digests.kids.length === 1 && equal(digests.kids[0].raw, digest.raw), 'it names its digest twice');

  const [type, wrapped] = inside(content, 0x30);
  const [octets] = inside(wrapped, 0xa0);
  need(type.tag === 6 && type.hex === OID.tstInfo && octets?.tag === 4, 'it holds no time stamp');
  const stamp = octets.body;
  const [stampVersion, , imprint, , time] = der(stamp)[0].kids;
  const imprintDigest = DIGESTS[imprint.kids[0].kids[0].hex];
  need(stampVersion.hex === '01' && imprintDigest !== undefined, 'it is of an unknown version, or not by SHA-2');
  need(equal(await digestOf(imprintDigest, data), imprint.kids[1].body), 'it is over other bytes');
  const [, year, month, day, hour, minute, second, part = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?Z$/.exec(textOf(time.body)) ?? [];
  const at = Date.UTC(year, month - 1, day, hour, minute, second) + Math.floor(Number(`0${part}`) * 1000);
  need(time.tag === 0x18 && Number.isFinite(at), 'its time is malformed');

  // The certificate that the signature names, by issuer and serial number; an X.509 body begins [0] version, serial, algorithm, issuer, ….
  const found = certificates.find(({ kids: [body] }) => {
    const fields = body.kids[0].tag === 0xa0 ? body.kids.slice(1) : body.kids;
    return equal(fields[2].raw, signerId.kids[0].raw) && equal(fields[0].raw, signerId.kids[1].raw);
  });
  need(found !== undefined && signerId.tag === 0x30, 'it does not bring its signing certificate');
  const signer = readCertificate(found.raw);
  const extensions = found.kids[0].kids.find(({ tag }) => tag === 0xa3)?.kids[0].kids ?? [];
  const usages = extensions.filter(({ kids }) => kids[0].hex === OID.extendedKeyUsage);
  const purposes = usages.length === 1 ? der(usages[0].kids.at(-1).body)[0].kids : [];
  need(
    purposes.length === 1 && purposes[0].hex === OID.timeStamping && usages[0].kids.length === 3 && usages[0].kids[1].hex === 'ff',
    'its certificate is not for time stamps alone',
  );

  const attribute = (oid) => {
    const all = attributes.kids.filter(({ kids }) => kids[0].hex === oid);
    return all.length === 1 && all[0].kids[1].kids.length === 1 ? all[0].kids[1].kids[0] : undefined;
  };
  need(attributes.tag === 0xa0 && attribute(OID.contentType)?.hex === OID.tstInfo, 'its signature is over another type of content');
  const signed = await digestOf(name, stamp);
  need(attribute(OID.messageDigest)?.hex === hexOf(signed), 'its signature is over another time stamp');
  const idAttribute = attribute(OID.signingCertificateV2);
  const id = (idAttribute ?? attribute(OID.signingCertificate))?.kids[0].kids[0].kids ?? [];
  const by = id[0]?.tag === 4 ? (idAttribute === undefined ? 'sha1' : 'sha256') : DIGESTS[id[0]?.kids[0]?.hex];
  const named = id[0]?.tag === 4 ? id[0] : id[1];
  need(by !== undefined && named?.hex === hexOf(await digestOf(by, found.raw)), 'its signature names another certificate');
  // What is signed is the set of attributes, with the tag of a set.
  const [scheme, parameters] = inside(algorithm, 0x30);
  const isPss = scheme.tag === 6 && scheme.hex === OID.pss;
  const isPlain =
    scheme.tag === 6 && SIGNATURES[name].includes(scheme.hex) && (parameters === undefined || hexOf(parameters.raw) === '0500');
  need(signature.tag === 4 && (isPss || isPlain), 'its signature is of an unknown kind');
  const set = concat(Uint8Array.of(0x31), attributes.raw.subarray(1));
  const isSigned = await signer.hasSigned(name, algorithm, set, signature.body);
  need(isSigned !== null, 'its signature is of a kind that a browser cannot verify: use the script with Node');
  need(isSigned, 'its signature does not verify');

  const valid = (one) => one.from <= at && at <= one.to;
  need(valid(signer), 'its certificate was not valid when it was made');
  const others = certificates.map(({ raw }) => readCertificate(raw));
  let [steps, cannot] = [0, false];
  const leads = async (path) => {
    const last = path.at(-1);
    for (const issuer of [...roots, ...others]) {
      if (path.some((one) => one.id === issuer.id) || !last.isIssuedBy(issuer)) continue;
      need((steps += 1) <= 64, 'its certificates point in circles');
      if (!issuer.ca || !valid(issuer)) continue;
      const leadsOn = await last.isSignedBy(issuer);
      cannot ||= leadsOn === null;
      if (!leadsOn) continue;
      if (roots.includes(issuer) || (path.length < 7 && (await leads([...path, issuer])))) return true;
    }
    return false;
  };
  const trusted = await leads([signer]);
  need(trusted || !cannot, 'a certificate is signed in a way that a browser cannot verify: use the script with Node');
  need(trusted, 'its certificate does not lead to a root of the policy');
  return { time: at, ends: signer.to };
}

/** Stamps of one authority over one note: number 0 over the note, each renewal over the note and the stamp before it. Null with a finding. */
async function stampChain({ name, ...authority }, note, stamps, findings) {
  let [first, last, previous] = [null, null, new Uint8Array()];
  for (const [index, { where, number, response, until }] of [...stamps].sort((a, b) => a.number - b.number).entries()) {
    if (number > index) return findings.add('stamp_missing', where, `stamp ${index} of ${name}, over which it is, is not there`);
    try {
      need(number === index && response != null, 'it is there twice, or cannot be read');
      const stamp = await readStamp(response, concat(note, previous), authority);
      need(until === null || Math.floor(stamp.ends / 1000) * 1000 === until, 'its name says another end of its certificate');
      need(last === null || (stamp.time >= last.time && stamp.time <= last.ends), 'it was not made while the stamp it renews was good');
      first ??= stamp.time;
      [last, previous] = [stamp, response];
    } catch (error) {
      return findings.add('stamp_invalid', where, error.message);
    }
  }
  return { time: first, ends: last.ends };
}

/** `stamps/<size>/checkpoint`, and beside it `<authority>-<number>-until-<end of its certificate>.tsr`. */
const STAMP = /^stamps\/(0|[1-9]\d{0,15})\/([a-z0-9][a-z0-9._-]{0,63})-(\d{1,4})-until-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tsr$/;

/** Stamps beside the tiles. @returns heads that the tree must begin with, what they prove, and findings of their own */
async function logStamps(get, paths, policy, now) {
  const findings = new Findings();
  const [heads, proves, open] = [[], [], []];
  const kept = paths.flatMap((path) => {
    const [, size, authority, number, ...end] = STAMP.exec(path) ?? [];
    const [year, month, ...time] = end.map(Number);
    return size === undefined ? [] : [{ path, size: Number(size), authority, number: Number(number), until: Date.UTC(year, month - 1, ...time) }]; // prettier-ignore
  });
  if (policy.authorities.length === 0)
    open.push(`When it was written: the policy names no time stamp authority. ${kept.length} stamps beside the tiles were not checked.`);
  else
    for (const name of new Set(kept.map(({ authority }) => authority)))
      if (!policy.authorities.some((one) => one.name === name))
        open.push(`Anything by the stamps of ${name}, for example ${kept.find(({ authority }) => authority === name).path}: the policy does not name it.`); // prettier-ignore
  const notes = new Map();
  for (const authority of policy.authorities) {
    const own = kept.filter((one) => one.authority === authority.name);
    if (own.length === 0) findings.add('stamp_missing', `stamps by ${authority.name}`, 'there is none, and the policy asks for it');
    let newest = null;
    for (const size of [...new Set(own.map((one) => one.size))].sort((a, b) => a - b)) {
      if (!notes.has(size)) notes.set(size, await stampedNote(get, size, policy, heads, findings));
      const note = notes.get(size);
      if (note === null) continue;
      const stamps = [];
      for (const one of own) if (one.size === size) stamps.push({ ...one, where: one.path, response: await get(one.path) });
      const told = await stampChain(authority, note, stamps, findings);
      if (told == null) continue;
      const last = stamps.reduce((a, b) => (b.number > a.number ? b : a));
      if (told.ends < now) findings.add('stamp_invalid', last.where, 'its certificate has ended, and it was not renewed before');
      else newest = { size, time: told.time };
    }
    if (newest !== null)
      proves.push(`The first ${newest.size} leaves existed before ${new Date(newest.time).toISOString()}: the time stamp authority ${authority.name} signed for them then.`); // prettier-ignore
  }
  return { findings: findings.list, heads, proves, open };
}

async function stampedNote(get, size, policy, heads, findings) {
  const path = `stamps/${size}/checkpoint`;
  const note = await get(path);
  if (note === null) return findings.add('stamp_invalid', path, 'the stamped checkpoint is not there') ?? null;
  const checked = await checkHead(unwitnessed(policy), note, path, findings);
  if (checked === null) return null;
  if (checked.head.size !== size) return findings.add('stamp_invalid', path, `it is of ${checked.head.size} leaves`) ?? null;
  heads.push({ name: path, head: checked.head });
  return note;
}

/** A note that was stamped may have been cosigned afterwards. */
const unwitnessed = (policy) => ({ ...policy, witnesses: [], groups: [], quorum: null });

/** The stamps attached to a packet, and that its tree goes on from each stamped checkpoint. */
async function packetStamps({ stamps = [] }, head, files, policy, findings) {
  const [proves, open, notes] = [[], [], new Map()];
  for (const { tree_size: size } of stamps) {
    if (notes.has(size)) continue;
    notes.set(size, null);
    const note = files.get(`stamps/checkpoint-${size}.note`);
    const checked =
      note === undefined ? null : await checkHead(unwitnessed(policy), note, `attachment stamps/checkpoint-${size}.note`, findings);
    if (checked === null) continue;
    const name = `stamps/${size}-to-${head.size}.consistency`;
    const lines = textOf(files.get(name) ?? new Uint8Array()).split('\n').filter((line) => line !== ''); // prettier-ignore
    const hashes = lines.map((line) => fromBase64(line) ?? new Uint8Array());
    const holds = checked.head.size === size && checked.head.origin === head.origin && size <= head.size;
    if (holds && consistent(size, head.size, hashes, checked.head.root, head.root)) notes.set(size, note);
    else findings.add('proof_invalid', `attachment ${name}`, `it does not show that the tree goes on from the stamped ${size} leaves`);
  }
  for (const authority of policy.authorities) {
    const own = stamps.filter((one) => one.authority === authority.name);
    if (own.length === 0) findings.add('stamp_missing', `stamps by ${authority.name}`, 'the packet has none, and the policy asks for it');
    const note = notes.get(own[0]?.tree_size) ?? null;
    if (note === null) continue;
    const stored = own.map(({ file, number }) => ({ where: `attachment ${file}`, number, response: files.get(file), until: null }));
    const told = await stampChain(authority, note, stored, findings);
    if (told == null) continue;
    if (!own.some(({ number, time }) => number === 0 && Date.parse(time) === told.time))
      findings.add('stamp_invalid', 'attachment packet.json', `it tells another time than the stamp of ${authority.name}`);
    else
      proves.push(`The first ${own[0].tree_size} leaves of its tree existed before ${new Date(told.time).toISOString()}: the time stamp authority ${authority.name} signed for them then.`); // prettier-ignore
    if (told.ends < Date.now())
      open.push(`That no stamp of ${authority.name} was forged since its certificate ended: ask for its renewal.`);
  }
  const unknown = new Set(stamps.map(({ authority }) => authority).filter((name) => !policy.authorities.some((one) => one.name === name)));
  if (stamps.length === 0) open.push('When it was signed: no time stamp of an authority is attached.');
  for (const name of unknown) open.push(`The time of the attached stamps by ${name}: the policy does not name that authority.`);
  return { proves, open };
}

// ---- 7. A whole log ------------------------------------------------------------------------------------------------------------------------

/**
 * `get(path)` gives bytes or null; `list()`, where there is one, the paths of all files; `since` is a list of {name, note}: checkpoints kept from earlier checks.
 * Every leaf is hashed, every tile recomputed from the leaves; where a stored tile differs, the signed root says which of the two is altered.
 */
export async function verifyLog({ get, list, name, policy, since: kept = [], now = Date.now(), onProgress = () => undefined }) {
  const findings = new Findings();
  const chains = new Chains(findings);
  // Before the checkpoint: in a log that grows they are then no newer than it.
  const paths = list === undefined ? [] : (await list()).filter((path) => path.startsWith('stamps/')); // prettier-ignore
  const note = await get('checkpoint');
  if (note === null) findings.add('checkpoint_missing', 'checkpoint', 'there is no checkpoint, so nothing says what the tree is');
  let checked = null;
  const since = [...kept];
  if (note !== null) {
    // A checkpoint is signed at once and cosigned later: where it does not meet the quorum, the one that was cosigned last has to.
    const own = new Findings();
    checked = await checkHead(policy, note, 'checkpoint', own);
    const cosigned = checked !== null && own.list[0]?.code === 'quorum_unmet' ? await get('checkpoint.cosigned') : null;
    if (cosigned === null) findings.list.push(...own.list);
    else {
      const seen = await checkHead(policy, cosigned, 'checkpoint.cosigned', findings);
      if (seen !== null) {
        checked = { head: checked.head, cosigned_by: seen.cosigned_by };
        since.push({ name: 'checkpoint.cosigned', note: cosigned });
      }
    }
  }
  const size = checked?.head.size ?? 0;
  const stamps = await logStamps(get, paths, policy, now);
  if (checked !== null) {
    const older = [];
    for (const one of since) {
      const head = (await checkHead({ ...policy, quorum: null }, one.note, one.name, findings))?.head;
      if (head === undefined) continue;
      if (head.size > size)
        findings.add(
          'checkpoint_rolled_back',
          'checkpoint',
          `it is of ${size} leaves and ${one.name} of ${head.size}: the log was longer already`,
        );
      if (head.origin !== checked.head.origin) findings.add('checkpoint_invalid', one.name, `it is of another log: ${head.origin}`);
      older.push({ name: one.name, head });
    }
    for (const one of stamps.heads) {
      if (one.head.size > size)
        findings.add(
          'checkpoint_rolled_back',
          'checkpoint',
          `it is of ${size} leaves and ${one.name} of ${one.head.size}: it was longer already`,
        );
      if (one.head.origin !== checked.head.origin) findings.add('checkpoint_invalid', one.name, `it is of another log: ${one.head.origin}`);
      older.push(one);
    }
    await walkTree({ get, size, root: checked.head.root, older, findings, chains, onProgress });
    if (list !== undefined && findings.list.length === 0) await checkEarlier(get, list, size, findings);
  }
  findings.list.push(...stamps.findings);
  const sources = [...chains.sources].map(([source, one]) => ({
    source,
    leaves: one.leaves,
    first_seq: one.first,
    last_seq: one.seq,
    missing: one.missing,
    first_missing: one.first_missing,
  }));
  return report({
    what: 'log',
    name,
    policy,
    since,
    stamps,
    findings: findings.list,
    head: checked?.head ?? null,
    cosigned_by: checked?.cosigned_by ?? [],
    sources,
  });
}

async function walkTree({ get, size, root, older, findings, chains, onProgress }) {
  /** Per level the hashes of the tile in work; level 0 is one bundle at a time. */
  const levels = [];
  const counts = [];
  const mismatches = [];
  const roots = new Map();
  // The tree so far, from large to small: what each level's tile in work holds, and the first hashes of a bundle.
  const rootNow = (partial) => {
    const peaks = [];
    for (const tile of [partial, ...levels.slice(1).map((one) => one ?? [])])
      for (let [rest, width] = [tile, 1]; rest.length > 0; width *= 2)
        if (rest.length & width) {
          peaks.push(rootOf(rest.slice(rest.length - width)));
          rest = rest.slice(0, rest.length - width);
        }
    return peaks.length === 0 ? rootOf([]) : peaks.reduce((right, left) => parent(left, right));
  };
  const compare = async (level, index, hashes) => {
    const stored = await readTile(get, level, index, hashes.length);
    const path = tilePath(level, index, hashes.length);
    if (stored === null) findings.add('tile_missing', path, 'the tile is not there');
    else if (stored.length !== hashes.length * 32)
      findings.add('tile_altered', path, `it has ${stored.length} bytes and not ${hashes.length * 32}`);
    else {
      const entries = hashesOf(stored).flatMap((hash, entry) => (equal(hash, hashes[entry]) ? [] : [entry]));
      if (entries.length > 0) mismatches.push({ level, index, entries });
      return { entries, stored };
    }
    return { entries: [], stored: null };
  };
  const push = async (level, hash) => {
    const tile = (levels[level] ??= []);
    tile.push(hash);
    if (tile.length < WIDTH) return;
    counts[level] = (counts[level] ?? 0) + 1;
    await compare(level, counts[level] - 1, tile);
    levels[level] = [];
    await push(level + 1, rootOf(tile));
  };
  const wanted = [size, ...older.map(({ head }) => head.size)];
  for (let index = 0; index * WIDTH < size; index += 1) {
    const [first, width] = [index * WIDTH, tileWidth(0, index, size)];
    const path = tilePath('entries', index, width);
    const bundle = await readTile(get, 'entries', index, width);
    const fault = bundle === null ? 'missing' : bundleFault(bundle, first, width);
    let hashes;
    if (fault !== null) {
      const stored = await readTile(get, 0, index, width);
      if (stored === null) findings.add('tile_missing', tilePath(0, index, width), 'the tile is not there');
      else if (stored.length !== width * 32)
        findings.add('tile_altered', tilePath(0, index, width), `it has ${stored.length} bytes and not ${width * 32}`);
      if (bundle === null) findings.add('bundle_missing', path, `leaves ${first} to ${first + width - 1} are not there`);
      else findings.add('bundle_malformed', path, fault);
      chains.skips += 1;
      if (stored === null || stored.length !== width * 32) return;
      hashes = hashesOf(stored);
    } else {
      hashes = Array.from({ length: width }, (_, entry) => leafHash(bundle.subarray(entry * ENTRY + 2, (entry + 1) * ENTRY)));
      const { entries } = await compare(0, index, hashes);
      for (let entry = 0; entry < width; entry += 1)
        if (entries.includes(entry)) chains.skips += 1;
        else chains.read(bundle.subarray(entry * ENTRY + 2, (entry + 1) * ENTRY), first + entry);
    }
    for (const one of wanted) if (one > first && one < first + width) roots.set(one, rootNow(hashes.slice(0, one - first)));
    if (width === WIDTH) await push(1, rootOf(hashes));
    if (wanted.includes(first + width)) roots.set(first + width, rootNow(width === WIDTH ? [] : hashes));
    if (index % 64 === 63) {
      onProgress(first + width, size);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  for (let level = 1; level < levels.length; level += 1)
    if (levels[level]?.length > 0) await compare(level, Math.floor(size / WIDTH ** (level + 1)), levels[level]);
  onProgress(size, size);

  if (size === 0) roots.set(0, rootOf([]));
  const leavesAreTrue = equal(roots.get(size), root);
  const told = await blame({ get, size, root, leavesAreTrue, mismatches });
  findings.list.unshift(...told);
  if (!leavesAreTrue && told.length === 0)
    findings.add('tree_differs', 'checkpoint', 'leaves and tiles agree with each other and give another root than the signed one');
  for (const { name, head } of older)
    if (leavesAreTrue && head.size > 0 && head.size <= size && !equal(roots.get(head.size), head.root))
      findings.add(
        'checkpoint_forked',
        'checkpoint',
        `the first ${head.size} leaves are not those that ${name} was signed for: the key signed two histories`,
      );
}

/** Partial tiles of earlier checkpoints may still be there: each must be the beginning of what came of it. */
async function checkEarlier(get, list, size, findings) {
  for (const path of await list()) {
    const [, kind, name, partial] = /^tile\/(\d{1,2}|entries)\/((?:x\d{3}\/)*\d{3})\.p\/(\d{1,3})$/.exec(path) ?? [];
    if (kind === undefined) continue;
    const index = Number(name.replaceAll(/[x/]/g, ''));
    const [width, now] = [Number(partial), tileWidth(kind === 'entries' ? 0 : Number(kind), index, size)];
    if (width >= now) continue;
    const [earlier, current] = [await get(path), await get(tilePath(kind, index, now))];
    const bytes = width * (kind === 'entries' ? ENTRY : 32);
    if (earlier !== null && current !== null && !(earlier.length === bytes && equal(earlier, current.subarray(0, bytes))))
      findings.add('tile_altered', path, 'an earlier partial file is not the beginning of what came of it');
  }
}

function bundleFault(bytes, first, width) {
  for (let entry = 0; entry < width; entry += 1) {
    const at = entry * ENTRY;
    if (at + ENTRY > bytes.length) return `it ends inside leaf ${first + entry}`;
    if (bytes[at] * 256 + bytes[at + 1] !== LEAF)
      return `leaf ${first + entry} is said to have ${bytes[at] * 256 + bytes[at + 1]} bytes and not ${LEAF}`;
  }
  return bytes.length === width * ENTRY ? null : `${bytes.length - width * ENTRY} bytes follow its last leaf`;
}

/** Where a stored tile is not what its children give: below a tile that the signed root vouches for, the leaf is the altered one; else the tile. */
async function blame({ get, size, root, leavesAreTrue, mismatches }) {
  const sound = new Map();
  const stored = async (level, index) => {
    const width = tileWidth(level, index, size);
    const bytes = await readTile(get, level, index, width);
    return bytes?.length === width * 32 ? hashesOf(bytes) : null;
  };
  const edge = async () => {
    let right = null;
    for (let level = 0; WIDTH ** level <= size; level += 1) {
      const index = Math.floor(size / WIDTH ** (level + 1));
      if (tileWidth(level, index, size) === 0) continue;
      let tile = await stored(level, index);
      if (tile === null) return false;
      for (let width = 1; tile.length > 0; width *= 2)
        if (tile.length & width) {
          const peak = rootOf(tile.slice(tile.length - width));
          right = right === null ? peak : parent(peak, right);
          tile = tile.slice(0, tile.length - width);
        }
    }
    return right !== null && equal(right, root);
  };
  const edgeHolds = mismatches.length > 0 && !leavesAreTrue && (await edge());
  const vouched = async (level, index) => {
    const key = `${level} ${index}`;
    if (!sound.has(key)) {
      const tile = await stored(level, index);
      const full = tileWidth(level, index, size) === WIDTH;
      const up = Math.floor(index / WIDTH);
      const holds =
        tile !== null &&
        (full ? (await vouched(level + 1, up)) && equal(rootOf(tile), (await stored(level + 1, up))[index % WIDTH]) : edgeHolds);
      sound.set(key, holds);
    }
    return sound.get(key);
  };
  const told = [];
  const ordered = mismatches.sort((a, b) => a.level - b.level || a.index - b.index);
  for (const { level, index, entries } of ordered) {
    const below = index * WIDTH + entries[0];
    const path = tilePath(level, index, tileWidth(level, index, size));
    if (leavesAreTrue || !(await vouched(level, index)))
      told.push({ code: 'tile_altered', where: path, message: `its hash ${entries[0]} is not what lies below it gives` });
    else if (level === 0)
      for (const entry of entries)
        told.push({
          code: 'leaf_altered',
          where: `leaf ${index * WIDTH + entry}`,
          message: `entry ${entry} of ${tilePath('entries', index, tileWidth(0, index, size))} is not the leaf that the signed tree has there`,
        });
    else if (!ordered.some((one) => one.level < level && Math.floor(one.index / WIDTH ** (level - 1 - one.level)) === below)) {
      const first = below * WIDTH ** level;
      told.push({
        code: 'leaf_altered',
        where: `leaves ${first} to ${first + WIDTH ** level - 1}`,
        message: 'they and the tiles over them are not those of the signed tree',
      });
    }
  }
  return told;
}

// ---- 8. A packet ---------------------------------------------------------------------------------------------------------------------------

/**
 * Seal over every byte, attachments against the manifest, checkpoint, witnesses, inclusion proofs, digests of queries, results and exhibits.
 * It does not draw the pages again and does not judge the verdicts again: under a good seal they are what the key's owner made.
 */
export async function verifyPacket({ bytes, name, policy, since = [] }) {
  const findings = new Findings();
  const packetFault = (where, message) => findings.add('packet_invalid', where, message);
  const pdf = readPdf(bytes);
  const info = infoEntries(pdf);
  await checkSeal(bytes, policy, packetFault);
  const files = new Map();
  for (const file of await attachedFiles(pdf)) {
    if (files.has(file.name)) packetFault(`attachment ${file.name}`, 'it is attached twice');
    else if (file.data === null) packetFault(`attachment ${file.name}`, 'its content cannot be read');
    else files.set(file.name, file.data);
  }
  checkManifest(files, info.get('AffiantManifest') ?? '', packetFault);
  const note = files.get('checkpoint.note');
  if (note === undefined) packetFault('attachment checkpoint.note', 'it is missing');
  const checked = note === undefined ? null : await checkHead(policy, note, 'attachment checkpoint.note', findings);
  let model = null;
  let stamps = { proves: [], open: [] };
  try {
    model = JSON.parse(textOf(files.get('packet.json') ?? new Uint8Array()));
    if (checked !== null) checkContent(model, files, checked.head, note, packetFault);
  } catch {
    packetFault('attachment packet.json', 'it cannot be read');
  }
  try {
    if (checked !== null && model !== null) stamps = await packetStamps(model, checked.head, files, policy, findings);
  } catch {
    packetFault('attachment packet.json', 'its time stamps cannot be read');
  }
  for (const one of since) await checkPacketSince(one, checked, files, policy, findings);
  const described =
    model === null ? null : { packet_id: model.packet_id, framework: model.framework, from: model.period?.from, to: model.period?.to };
  return report({
    what: 'packet',
    name,
    policy,
    since,
    stamps,
    findings: findings.list,
    head: checked?.head ?? null,
    cosigned_by: checked?.cosigned_by ?? [],
    sources: [],
    packet: described,
  });
}

async function checkPacketSince({ name, note }, checked, files, policy, findings) {
  const head = (await checkHead({ ...policy, quorum: null }, note, name, findings))?.head;
  if (head === undefined || checked === null) return;
  const where = 'attachment checkpoint.note';
  const { size, root } = checked.head;
  const proof = files.get(`consistency/${head.size}.txt`);
  if (head.origin !== checked.head.origin)
    findings.add('checkpoint_invalid', where, `it is of ${checked.head.origin} and ${name} of ${head.origin}`);
  else if (head.size > size)
    findings.add('checkpoint_rolled_back', where, `it is of ${size} leaves and ${name} of ${head.size}: the log was longer already`);
  else if (head.size > 0 && head.size < size && proof === undefined)
    findings.add(
      'consistency_unproved',
      where,
      `nothing attached shows that its tree goes on from ${name}; check the log itself with --since`,
    );
  else {
    const hashes = head.size === size || head.size === 0 ? [] : textOf(proof).trimEnd().split('\n').map((line) => fromBase64(line) ?? new Uint8Array()); // prettier-ignore
    if (!consistent(head.size, size, hashes, head.root, root))
      findings.add(
        'checkpoint_forked',
        where,
        `the first ${head.size} leaves are not those that ${name} was signed for: the key signed two histories`,
      );
  }
}

/** RFC 9162 section 2.1.4.2. */
function consistent(first, second, proof, firstRoot, secondRoot) {
  if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0 && equal(firstRoot, rootOf([]));
  let [fn, sn] = [first - 1, second - 1];
  for (; fn % 2 === 1; fn = Math.floor(fn / 2)) sn = Math.floor(sn / 2);
  const steps = fn === 0 ? [firstRoot, ...proof] : [...proof];
  if (steps.length === 0 || steps.some((hash) => hash.length !== 32)) return false;
  let [fr, sr] = [steps[0], steps[0]];
  for (const step of steps.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [parent(step, fr), parent(step, sr)];
      for (; fn % 2 === 0 && fn !== 0; fn /= 2) sn = Math.floor(sn / 2);
    } else sr = parent(sr, step);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && equal(fr, firstRoot) && equal(sr, secondRoot);
}

/** The one form of PDF that the page program writes: numbered objects one after another. Anything else is passed over; the seal covers it. */
function readPdf(bytes) {
  const text = latin1(bytes);
  const objects = new Map();
  const head = /(\d{1,7}) 0 obj\n/y;
  for (let at = text.search(/\n\d{1,7} 0 obj\n/) + 1; at < text.length;) {
    head.lastIndex = at;
    const match = head.exec(text);
    const close = match === null ? -1 : text.indexOf('\nendobj\n', head.lastIndex - 1);
    if (close < 0) {
      if (text.startsWith('xref\n', at)) break;
      const next = text.slice(at + 1, at + 1 + 2_000_000).search(/\n\d{1,7} 0 obj\n/);
      if (next < 0) break;
      at += next + 2;
      continue;
    }
    const value = head.lastIndex;
    const stream = text.indexOf('\nstream\n', value);
    let [end, dictionary, data] = [close + 8, text.slice(value, close), null];
    if (stream >= 0 && stream < close) {
      dictionary = text.slice(value, stream);
      const from = stream + 8;
      const to = from + Number(/\/Length (\d{1,10})\n/.exec(dictionary)?.[1] ?? NaN);
      if (text.startsWith('\nendstream\nendobj\n', to)) [end, data] = [to + 18, bytes.subarray(from, to)];
    }
    if (!objects.has(match[1])) objects.set(match[1], { dictionary, data });
    at = end;
  }
  return objects;
}

function latin1(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return text;
}

async function attachedFiles(objects) {
  const files = [];
  for (const { dictionary } of objects.values()) {
    if (files.length >= 1000 || !dictionary.includes('/Type /Filespec')) continue;
    const name = /\/UF \(([^()\\]{1,200})\)/.exec(dictionary)?.[1];
    const content = objects.get(/\/EF <<\n\/F (\d{1,7}) 0 R/.exec(dictionary)?.[1]);
    if (name !== undefined) files.push({ name, data: content?.data == null ? null : await inflate(content) });
  }
  return files;
}

/** At most 256 MiB: a small file must not fill the memory. */
async function inflate({ dictionary, data }) {
  if (!dictionary.includes('/Filter /FlateDecode')) return data;
  try {
    const parts = [];
    let size = 0;
    for (const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate')).getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return concat(...parts);
      size += value.length;
      if (size > 256 * 1024 * 1024) return null;
      parts.push(value);
    }
  } catch {
    return null;
  }
}

function infoEntries(objects) {
  const entries = new Map();
  for (const { dictionary } of objects.values())
    if (dictionary.includes('/AffiantSeal '))
      for (const [, key, id] of dictionary.matchAll(/\/(\w{1,40}) (\d{1,7}) 0 R/g))
        entries.set(key, /^\(([^()\\]*)\)$/.exec(objects.get(id)?.dictionary ?? '')?.[1] ?? '');
  return entries;
}

/** The last `(affiant-seal/1:` of the file: 136 hexadecimal digits, key id and signature over the file with these digits zeroed. */
async function checkSeal(bytes, policy, fault) {
  const marker = '(affiant-seal/1:';
  const at = latin1(bytes).lastIndexOf(marker);
  const digits = at < 0 ? '' : latin1(bytes.subarray(at + marker.length, at + marker.length + 137));
  if (!/^[0-9a-f]{136}\)$/.test(digits)) return fault('seal', 'the file has no seal');
  const zeroed = bytes.slice();
  zeroed.fill(0x30, at + marker.length, at + marker.length + 136);
  const text = utf8.encode(`affiant-packet-seal/1\n${bytes.length}\n${hexOf(sha256(zeroed))}\n`);
  const signature = Uint8Array.from(digits.slice(8, 136).match(/../g), (pair) => Number.parseInt(pair, 16));
  const key = policy.logs.find(({ id }) => id === digits.slice(0, 8));
  if (key === undefined || !(await verifyEd25519(key.key, text, signature)))
    fault('seal', 'the file is not what the key sealed: at least one byte differs, or another key made it');
}

function checkManifest(files, digest, fault) {
  const bytes = files.get('manifest.json');
  if (bytes === undefined) return fault('attachment manifest.json', 'it is missing');
  let listed;
  try {
    listed = JSON.parse(textOf(bytes)).files;
    if (!listed.every((file) => typeof file.name === 'string')) throw new Error();
  } catch {
    return fault('attachment manifest.json', 'it is not a manifest');
  }
  const right = (file) =>
    files.has(file.name) && files.get(file.name).length === file.bytes && hexOf(sha256(files.get(file.name))) === file.sha256;
  const wrong = listed.filter((file) => !right(file));
  if (hexOf(sha256(bytes)) !== digest) {
    fault(
      wrong.length === 0 ? 'document information AffiantManifest' : 'attachment manifest.json',
      'manifest and the digest of the manifest differ',
    );
    if (wrong.length > 0) return;
  }
  for (const { name } of wrong)
    fault(`attachment ${name}`, files.has(name) ? 'its digest is not the one in the manifest' : 'it is missing');
  const names = new Set(['manifest.json', ...listed.map(({ name }) => name)]);
  for (const name of files.keys()) if (!names.has(name)) fault(`attachment ${name}`, 'it is not in the manifest');
}

function checkContent(model, files, head, note, fault) {
  const noteText = textOf(note);
  if (model.snapshot.note !== noteText) fault('attachment checkpoint.note', 'it is not the one packet.json names');
  if (model.snapshot.tree_size !== head.size || model.snapshot.root_hash !== hexOf(head.root))
    fault('attachment checkpoint.note', 'it names another tree than the packet');
  for (const event of model.cited) {
    const where = `attachment ${event.proof}`;
    const proof = files.has(event.proof) ? parseProof(textOf(files.get(event.proof))) : null;
    const bytes = fromBase64(event.leaf);
    const leaf = bytes === null ? null : decodeLeaf(bytes);
    if (proof === null || leaf === null) fault(where, 'the proof is missing or malformed');
    else if (leaf.source !== event.source_id || leaf.seq !== event.seq || proof.index !== event.leaf_index)
      fault(where, `the leaf is not that of event ${event.event_id}`);
    else if (proof.checkpoint !== noteText) fault(where, 'the proof is for another checkpoint');
    else if (!includes(proof.index, head.size, leafHash(bytes), proof.hashes, head.root))
      fault(where, 'the proof does not lead to the signed root');
  }
  for (const run of model.runs) {
    if (hexOf(sha256(utf8.encode(run.sql))) !== run.sql_sha256)
      fault('attachment packet.json', `query ${run.id} has another text than its digest says`);
    const file = files.get(`queries/${run.id}.sql`);
    if (file === undefined || textOf(file) !== run.sql) fault(`attachment queries/${run.id}.sql`, 'the file is not the query that was run');
    const rows = run.exhibit === null ? run.rows : rowsOf(files.get(run.exhibit), run.columns);
    const digest = rows === null ? '' : hexOf(sha256(utf8.encode(JSON.stringify({ columns: run.columns, rows }))));
    if (rows?.length !== run.row_count || digest !== run.result_sha256)
      fault(`attachment ${run.exhibit ?? 'packet.json'}`, `the rows of query ${run.id} are not those its digest names`);
  }
  for (const { name, bytes, sha256: digest } of model.exhibits)
    if (!files.has(name) || files.get(name).length !== bytes || hexOf(sha256(files.get(name))) !== digest)
      fault(`attachment ${name}`, 'it is not what packet.json and Appendix B name');
}

function rowsOf(file, columns) {
  if (file === undefined) return null;
  return textOf(file).split('\n').slice(0, -1).map(JSON.parse).map((row) => columns.map((column) => row[column] ?? null)); // prettier-ignore
}

/** C2SP tlog-proof; null when it is not one. */
function parseProof(text) {
  const [, index, hashes, checkpoint] =
    /^c2sp\.org\/tlog-proof@v1\n(?:extra [^\n]*\n)?index (0|[1-9]\d{0,15})((?:\n[A-Za-z0-9+/=]{44})*)\n\n([^]*)$/.exec(text) ?? [];
  if (index === undefined) return null;
  const list = hashes.split('\n').slice(1).map(fromBase64); // prettier-ignore
  return list.some((hash) => hash?.length !== 32) ? null : { index: Number(index), hashes: list, checkpoint };
}

// ---- 9. Reports -----------------------------------------------------------------------------------------------------------------------------

function report({ what, name, policy, since, stamps, findings, head, cosigned_by, sources, packet }) {
  const ok = findings.length === 0;
  const proves = [];
  if (ok && what === 'log') {
    proves.push(
      `Every one of the ${head.size} leaves, every tile and every entry bundle is what the key of ${head.origin} signed as tree size ${head.size}.`,
    );
    proves.push(
      'Within each source the leaves are in the order of their numbers, none is there twice, and neighbours follow from each other by hash.',
    );
  }
  if (ok && what === 'packet') {
    proves.push('The file is, byte for byte, what the log’s key sealed.');
    proves.push(
      `Every cited event is a leaf of the tree of ${head.size} leaves that the key of ${head.origin} signed: it was not altered, removed, moved or put in later.`,
    );
  }
  if (ok && cosigned_by.length > 0)
    proves.push(
      `The tree was seen by ${cosigned_by.map(({ name: title, at }) => `${title} at ${at}`).join(', ')}, who cosign one history only.`,
    );
  if (ok) proves.push(...stamps.proves);
  if (ok) for (const one of since) proves.push(`The log still has, unchanged and first, everything that ${one.name} committed to.`);
  const does_not_prove = [
    'Events that were never handed to the log: it can show that nothing was changed later, not that everything was told.',
  ];
  if (policy.quorum === null)
    does_not_prove.push(
      'That everybody is shown the same log: the policy asks for no witness. A second history, signed by the same key, would pass.',
    );
  does_not_prove.push(...stamps.open);
  if (since.length === 0) does_not_prove.push('That nothing was removed since an earlier check: give the checkpoint you kept from it.');
  for (const { source, missing, first_missing } of sources)
    if (missing > 0)
      does_not_prove.push(
        `What the ${missing} numbers of ${source} from seq ${first_missing} on were that are no leaves: checkpoint events are none; only the events themselves show it.`,
      );
  if (what === 'log') does_not_prove.push('What the events say: a leaf commits to the bytes of an event and does not hold them.');
  else
    does_not_prove.push(
      'That pages and verdicts follow from the attached content: `affiant verify` draws and judges them again, this program does not. Nor that a number is right: run its query.',
    );
  return {
    ok,
    what,
    name,
    statement: ok ? `The ${what} verifies.` : `The ${what} does not verify. First: ${findings[0].where}: ${findings[0].message}`,
    checkpoint: head === null ? null : { origin: head.origin, size: head.size, root: toBase64(head.root), cosigned_by },
    ...(packet === undefined ? {} : { packet }),
    sources,
    findings: findings.slice(0, 100),
    finding_count: findings.length,
    proves,
    does_not_prove,
  };
}

export function reportText({ ok, statement, findings, finding_count, proves, does_not_prove }) {
  const section = (title, items) => (items.length === 0 ? '' : `\n${title}\n${items.map((item) => `  - ${item}\n`).join('')}`);
  return (
    `${ok ? 'VERIFIES' : 'DOES NOT VERIFY'}\n${statement}\n` +
    section(
      `What is wrong (${finding_count}), the first thing first`,
      findings.slice(0, 10).map(({ code, where, message }) => `${where}: ${message} [${code}]`),
    ) + // prettier-ignore
    section('This proves', proves) +
    section('This does not prove', does_not_prove)
  );
}

// ---- 10. The command line ---------------------------------------------------------------------------------------------------------------------

async function main(args) {
  const fs = await import('node:fs');
  const { join, sep } = await import('node:path');
  const options = { since: [] };
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '--json') options.json = true;
    else if (args[at] === '--policy' || args[at] === '--key') options.policy = args[(at += 1)];
    else if (args[at] === '--since') options.since.push(args[(at += 1)]);
    else if (options.place === undefined && !args[at].startsWith('-')) options.place = args[at];
    else throw new Error(`cannot understand ${args[at]}`);
  }
  if (options.place === undefined || options.policy === undefined)
    throw new Error('usage: node affiant-verify.mjs --policy FILE PLACE [--since CHECKPOINT] [--json]');
  const policy = parsePolicy(fs.readFileSync(options.policy, 'utf8'));
  const since = options.since.map((name) => ({ name, note: new Uint8Array(fs.readFileSync(name)) }));
  const get = async (path) => {
    try {
      return new Uint8Array(fs.readFileSync(join(options.place, path)));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(error.code)) return null;
      throw error;
    }
  };
  const list = () => fs.readdirSync(options.place, { recursive: true }).map((path) => path.split(sep).join('/'));
  const onProgress = (done, of) => process.stderr.write(`affiant-verify: ${done} of ${of} leaves\n`);
  const result = fs.statSync(options.place).isDirectory()
    ? await verifyLog({ get, list, name: options.place, policy, since, onProgress })
    : await verifyPacket({ bytes: new Uint8Array(fs.readFileSync(options.place)), name: options.place, policy, since });
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : reportText(result));
  return result.ok ? 0 : 1;
}

if (node !== null && process.argv[1] !== undefined) {
  const { realpathSync } = await import('node:fs');
  const { pathToFileURL } = await import('node:url');
  if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href)
    try {
      process.exitCode = await main(process.argv.slice(2));
    } catch (error) {
      process.stderr.write(`affiant-verify: ${error.message}\n`);
      process.exitCode = 2;
    }
}
