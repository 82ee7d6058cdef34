// A small seeded generator (mulberry32): the same seed gives the same texts on every machine.
export function seeded(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (from, to) => from + Math.floor(next() * (to - from + 1));
  const pick = (list) => list[int(0, list.length - 1)];
  const digits = (count) => Array.from({ length: count }, () => int(0, 9)).join('');
  const from = (alphabet, count) => Array.from({ length: count }, () => alphabet[int(0, alphabet.length - 1)]).join('');
  const shape = (form) => form.replace(/#/g, () => String(int(0, 9)));
  return { next, int, pick, digits, from, shape };
}
