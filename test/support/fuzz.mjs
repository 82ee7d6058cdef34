// Mutation fuzzing with a seeded generator; see fuzz.d.mts. `npm run test:fuzz -- --runs N --seed S` for longer runs.
export const fuzzRuns = Number(process.env['FUZZ_RUNS'] ?? 1_500);
export const fuzzSeed = Number(process.env['FUZZ_SEED'] ?? 20_261_126);

/** No parser may keep a process busy; generous, because the machine may be. */
const MAX_MS = 20_000;
const MAX_INPUT = 1 << 20;
const NUMBERS = ['0', '-1', '00', '01', '+1', '1e9', '9007199254740991', '9007199254740992', '18446744073709551616', '0x10', ''];
const BYTES = [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x2b, 0x3d, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/** Mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    below: (end) => (end <= 1 ? 0 : next() % end),
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
  };
}

const MUTATIONS = [
  (bytes, r) => withByte(bytes, r, (byte) => byte ^ (1 << r.below(8))),
  (bytes, r) => withByte(bytes, r, () => BYTES[r.below(BYTES.length)]),
  (bytes, r) => withByte(bytes, r, () => r.below(256)),
  // Insert, cut out, double, move.
  (bytes, r) => splice(bytes, r.below(bytes.length + 1), 0, r.bytes(1 + r.below(8))),
  (bytes, r) => splice(bytes, r.below(bytes.length), 1 + r.below(32), Buffer.alloc(0)),
  (bytes, r) => {
    const [from, to] = stretch(bytes, r);
    return splice(bytes, to, 0, bytes.subarray(from, to));
  },
  (bytes, r) => {
    const [from, to] = stretch(bytes, r);
    const rest = splice(bytes, from, to - from, Buffer.alloc(0));
    return splice(rest, r.below(rest.length + 1), 0, bytes.subarray(from, to));
  },
  (bytes, r) => bytes.subarray(0, r.below(bytes.length + 1)),
  (bytes, r) => bytes.subarray(r.below(bytes.length + 1)),
  (bytes, r) => splice(bytes, r.below(bytes.length + 1), 0, Buffer.alloc(r.below(5_000), BYTES[r.below(BYTES.length)])),
  // Lines and numbers, as the text formats have them.
  (bytes, r) => lines(bytes, (all) => all.splice(r.below(all.length), 1)),
  (bytes, r) => lines(bytes, (all) => all.splice(r.below(all.length), 0, all[r.below(all.length)])),
  (bytes, r) => {
    const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
    if (numbers.length === 0) return bytes;
    const { index, 0: found } = numbers[r.below(numbers.length)];
    return splice(bytes, index, found.length, Buffer.from(NUMBERS[r.below(NUMBERS.length)]));
  },
  // Lengths and counts, as the binary formats have them.
  (bytes, r) => splice(bytes, r.below(bytes.length), 4, Buffer.from([0xff, 0xff, 0xff, 0x7f])),
  (bytes, r) => splice(bytes, r.below(bytes.length), 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])),
];

function withByte(bytes, r, change) {
  if (bytes.length === 0) return bytes;
  const changed = Buffer.from(bytes);
  const at = r.below(bytes.length);
  changed[at] = change(changed[at]);
  return changed;
}

function splice(bytes, at, remove, insert) {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

function stretch(bytes, r) {
  const from = r.below(bytes.length);
  return [from, Math.min(bytes.length, from + 1 + r.below(200))];
}

function lines(bytes, change) {
  const all = bytes.toString('latin1').split('\n');
  change(all);
  return Buffer.from(all.join('\n'), 'latin1');
}

function inputOf(seeds, r) {
  const kind = r.below(20);
  if (kind === 0) return r.bytes(r.below(600));
  let bytes = Buffer.from(seeds[r.below(seeds.length)]);
  if (kind === 1) {
    const other = seeds[r.below(seeds.length)];
    bytes = Buffer.concat([bytes.subarray(0, r.below(bytes.length + 1)), other.subarray(r.below(other.length + 1))]);
  }
  for (let left = 1 + r.below(kind < 12 ? 1 : 6); left > 0 && bytes.length > 0; left -= 1)
    bytes = MUTATIONS[r.below(MUTATIONS.length)](bytes, r);
  return bytes.subarray(0, MAX_INPUT);
}

export async function fuzz({ name, seeds, codes, parse, share = 1 }, runs = Math.ceil(fuzzRuns * share), seed = fuzzSeed) {
  for (const bytes of seeds) await parse(Buffer.from(bytes));
  let accepted = 0;
  let slowestMs = 0;
  for (let run = 0; run < runs; run += 1) {
    // A generator of its own per run, so that one run can be repeated alone.
    const input = inputOf(seeds, random(seed + run * 0x9e3779b1));
    const given = Buffer.from(input);
    const began = performance.now();
    let failure;
    try {
      await parse(given);
      accepted += 1;
    } catch (error) {
      if (error?.name !== 'AffiantError' || !codes.includes(error.code)) failure = error;
    }
    const took = performance.now() - began;
    slowestMs = Math.max(slowestMs, took);
    const what =
      failure !== undefined
        ? `threw ${failure?.name} ${failure?.code ?? ''}: ${failure?.message}`
        : took > MAX_MS
          ? `took ${Math.round(took)} ms`
          : null;
    if (what !== null)
      throw new Error(`${name}: ${what} (seed ${seed}, run ${run}, input ${input.toString('hex').slice(0, 4_000)})`, { cause: failure });
  }
  return { runs, accepted, slowestMs };
}
