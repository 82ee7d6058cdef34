import { setTimeout as delay } from 'node:timers/promises';

let passed = 0;
let failed = 0;

export const counts = () => ({ passed, failed });

export function check(what, holds, detail = '') {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${what}${holds || detail === '' ? '' : `: ${detail}`}`);
}

/** Asks every half second until there is an answer. @throws after `ms`, with the last error. */
export async function until(what, ms, look) {
  const deadline = Date.now() + ms;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error.message;
    }
    await delay(500);
  }
  throw new Error(`${what}: not within ${ms / 1000} s${last === '' ? '' : ` (${last})`}`);
}
