// Two verifiers that were written apart: the product's (dist) and the one-file script. A check counts only when both say the same.
import { readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { checkLog, DirectorySource, readPolicyFile } from '../../dist/libs/verify/src/index.js';
import { browserCertificate, parsePolicy, verifyLog } from '../../ops/verify/affiant-verify.mjs';

const placesOf = ({ findings }) => findings.map(({ code, where }) => `${code} ${where}`);

/** @param {{directory: string, policy: string, since?: string[], now?: number}} what `since` are notes, verbatim; `now` in milliseconds. @returns what both found; throws when they differ */
export async function checkBoth({ directory, policy, since = [], now = Date.now() }) {
  const notes = since.map((note, index) => ({ name: `note ${index}`, note }));
  const product = await checkLog(new DirectorySource(directory), { policy: readPolicyFile(policy), since: notes, now });
  const get = async (path) => {
    try {
      return new Uint8Array(readFileSync(join(directory, path)));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(error.code)) return null;
      throw error;
    }
  };
  const list = () => readdirSync(directory, { recursive: true }).map((path) => path.split(sep).join('/'));
  const script = await verifyLog({ get, list, name: directory, policy: parsePolicy(policy), since: notes, now });
  const [mine, theirs] = [placesOf(product), placesOf(script)];
  // As in a browser: certificates by the script's own reader, signatures by WebCrypto. It has to name the same.
  if (policy.includes('\nauthority ')) {
    const browser = await verifyLog({
      get,
      list,
      name: directory,
      policy: parsePolicy(policy, browserCertificate),
      since: notes,
      now,
    });
    if (placesOf(browser).join('\n') !== theirs.join('\n'))
      throw new Error(`as in a browser affiant-verify.mjs differs from itself: ${JSON.stringify([script.findings, browser.findings])}`);
  }
  // The order of what follows from the first thing may differ, the first thing may not.
  if (mine[0] !== theirs[0] || [...mine].sort().join('\n') !== [...theirs].sort().join('\n'))
    throw new Error(
      `the two verifiers differ:\n  affiant verify: ${mine.join('; ') || 'ok'}\n  affiant-verify.mjs: ${theirs.join('; ') || 'ok'}`,
    );
  return { ok: product.ok, found: mine, report: product, script };
}
