// `node ops/verify/build-page.mjs FILE`: writes the static page, which is page.html with affiant-verify.mjs inside. The console serves the same.
import { readFileSync, writeFileSync } from 'node:fs';

const BEGIN = '/* affiant-verify.mjs: begin */\n';
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** The page as one file. The program stands in it unchanged, so that it can be compared with the script. */
export function composePage() {
  const page = read('page.html');
  const at = page.indexOf(BEGIN) + BEGIN.length;
  return page.slice(0, at) + read('affiant-verify.mjs').replace(/^#!.*\n/, '') + page.slice(at);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  if (process.argv[2] === undefined) throw new Error('usage: node ops/verify/build-page.mjs FILE');
  writeFileSync(process.argv[2], composePage());
}
