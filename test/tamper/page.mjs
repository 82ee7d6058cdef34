// The static page in a real browser, from disk: a packet and a log, untouched and damaged; and it asks the network for nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { samplePacket } from '../../dist/apps/evidence/src/testing/sample-packet.js';
import { LeafMaker, makeLog, seeded } from '../../dist/libs/verify/src/testing/make-log.js';
import { composePage } from '../../ops/verify/build-page.mjs';
import { readCertificates, requestTimestamp, stampedCheckpointPath, stampPath } from '../../dist/libs/timestamp/src/index.js';
import { startChromium } from '../support/engines/chromium.mjs';
import { hasTsa, startTsa } from '../support/engines/tsa.mjs';
import { missing } from '../support/tools.mjs';

export async function page(directory, check) {
  const browser = await startChromium();
  if (browser === null) return missing('Chromium', 'the verifier page was not tried in a browser');
  try {
    const file = join(directory, 'affiant-verify.html');
    writeFileSync(file, composePage());
    const packet = await samplePacket();
    const log = await makeLog(join(directory, 'browser-log'), [5, 300, 470], new LeafMaker(seeded(21), 3));
    const kept = join(directory, 'kept.note');
    writeFileSync(kept, log.notes[1]);
    const write = (name, bytes) => {
      writeFileSync(join(directory, name), bytes);
      return join(directory, name);
    };
    const good = write('good.pdf', packet.sealed);
    const bad = write(
      'bad.pdf',
      packet.sealed.with(Math.floor(packet.sealed.length / 2), packet.sealed[Math.floor(packet.sealed.length / 2)] ^ 1),
    );

    const run = async (policy, choices, before = '') => {
      const tab = await browser.open(pathToFileURL(file).href);
      await poll(() => tab.evaluate(`document.readyState === 'complete' && document.querySelector('#check') !== null`));
      if (before !== '') await tab.evaluate(before);
      await tab.evaluate(`document.querySelector('#policy').value = ${JSON.stringify(policy)}`);
      for (const [selector, files] of choices) await tab.choose(selector, files);
      await tab.evaluate(`document.querySelector('#check').click()`);
      await poll(() => tab.evaluate(`document.querySelector('#result').hidden === false`));
      return tab.evaluate(`({ ok: document.querySelector('#result').dataset.ok, text: document.querySelector('#result').textContent })`);
    };

    const first = await run(packet.signer.vkey, [['#packet', [good]]]);
    check('the page verifies a packet in a browser', first.ok === 'true' && first.text.startsWith('VERIFIES'), first.text);
    const second = await run(packet.signer.vkey, [['#packet', [bad]]]);
    check('and names a flipped bit', second.ok === 'false' && second.text.includes('seal: '), second.text);
    const third = await run(log.signer.vkey, [['#log', [log.directory]], ['#since', [kept]]]); // prettier-ignore
    check(
      'it verifies a log directory, with a checkpoint kept from before',
      third.ok === 'true' && third.text.includes('kept.note committed to'),
      third.text,
    );
    if (hasTsa()) await stamped(run, log, check);
    const bundle = join(log.directory, 'tile/entries/001');
    writeFileSync(bundle, readFileSync(bundle).with(2 + 189 * 17 + 60, 0x5a));
    const fourth = await run(log.signer.vkey, [['#log', [log.directory]]]);
    check('and names the leaf that was altered', fourth.ok === 'false' && fourth.text.includes('leaf 273: '), fourth.text);
    // A browser without Ed25519 in WebCrypto: the arithmetic of the page itself decides.
    const without = `crypto.subtle.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError')); true`;
    const fifth = await run(packet.signer.vkey, [['#packet', [good]]], without);
    const sixth = await run(packet.signer.vkey, [['#packet', [bad]]], without);
    check('it needs no Ed25519 of the browser', fifth.ok === 'true' && sixth.ok === 'false', `${fifth.text} ${sixth.text}`);
    const outside = browser.requests.filter((url) => !url.startsWith('file:') && !url.startsWith('data:') && !url.startsWith('blob:'));
    check('it asked the network for nothing', outside.length === 0 && browser.requests.length > 0, outside.join(', '));
  } finally {
    await browser.stop();
  }
}

/** Stamps by RSA and by ECDSA, one of them through a CA between; then one bit of the first is changed. */
async function stamped(run, { directory, notes, size, signer }, check) {
  const put = (path, bytes) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
    return join(directory, path);
  };
  const note = Buffer.from(notes.at(-1));
  put(stampedCheckpointPath(size), note);
  const authorities = [
    await startTsa({ name: 'R', key: ['rsa:2048'] }),
    await startTsa({ name: 'E', intermediate: true, digest: 'sha384' }),
  ];
  try {
    const files = [];
    for (const [index, { url, rootPem }] of authorities.entries()) {
      const asked = { name: 'test', url, roots: readCertificates(rootPem), timeout: 120_000 };
      const { response, verified } = await requestTimestamp(asked, note);
      files.push(put(stampPath({ size, authority: `tsa${index}`, number: 0, expiresAt: verified.expiresAt }), response));
    }
    const [one, other] = authorities;
    const policyOf = (first) => `log ${signer.vkey}\nquorum none\nauthority tsa0\n${first.rootPem}authority tsa1\n${other.rootPem}`;
    const good = await run(policyOf(one), [['#log', [directory]]]);
    const said = [0, 1].every((index) => good.text.includes(`the time stamp authority tsa${index} signed for them then`));
    check('it verifies time stamps of two authorities', good.ok === 'true' && said, good.text);
    const stranger = await run(policyOf(other), [['#log', [directory]]]);
    check('and not under another root', stranger.ok === 'false' && stranger.text.includes('does not lead to a root'), stranger.text);
    const bytes = readFileSync(files[0]);
    writeFileSync(files[0], bytes.with(bytes.length - 20, bytes[bytes.length - 20] ^ 4));
    const bad = await run(policyOf(one), [['#log', [directory]]]);
    check('and names one with a changed bit', bad.ok === 'false' && bad.text.includes('its signature does not verify'), bad.text);
  } finally {
    await Promise.all(authorities.map((authority) => authority.stop()));
  }
}

async function poll(ready) {
  const deadline = Date.now() + 120_000;
  while (!(await ready())) {
    if (Date.now() > deadline) throw new Error('the page did not answer in 120 s');
    await delay(50);
  }
}
