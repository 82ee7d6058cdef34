/** Park-Miller: the same seed gives the same moments. Numbers in (0, 1). */
export function seeded(seed) {
  let state = Math.max(1, seed % 2_147_483_647);
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
