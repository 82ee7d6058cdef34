// Text that compresses about as prose does, without a corpus: words at random, by their frequency in docs/. The same in every run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

/** @returns {(bytes: number) => string} the next text of so many bytes, ASCII */
export function prose() {
  const pages = readdirSync(DOCS, { recursive: true }).filter((name) => name.endsWith('.md')).toSorted(); // prettier-ignore
  const words = pages.flatMap((name) => readFileSync(join(DOCS, name), 'utf8').match(/[A-Za-z][a-z']*[.,]?/g) ?? []);
  let seed = 1;
  return (bytes) => {
    let text = '';
    while (text.length < bytes) {
      // Numerical Recipes' linear congruential generator: its high bits are random enough to choose words.
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      text += `${words[Math.floor((seed / 2 ** 32) * words.length)]} `;
    }
    return text.slice(0, bytes);
  };
}
