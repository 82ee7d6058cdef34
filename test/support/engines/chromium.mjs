// A real browser without a window, driven over the DevTools protocol. Every request it makes is kept.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'undici';
import { ensureDebian } from '../tools.mjs';

const present = () => spawnSync('chromium', ['--version']).status === 0;

const CHOSEN_MS = 60_000;

/** Null when there is no browser and none can be installed. */
export async function startChromium() {
  if (!ensureDebian(present, ['chromium'])) return null;
  const profile = mkdtempSync(join(tmpdir(), 'affiant-chromium-'));
  // Its own chatter (updates, safe browsing) is off; what is left would be a request of the page.
  const child = spawn(
    'chromium',
    ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], // prettier-ignore
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const die = () => child.kill('SIGKILL');
  process.once('exit', die);
  const address = await new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`chromium did not start in 120 s: ${text.slice(-500)}`)), 120_000);
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      text = (text + chunk).slice(-10_000);
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(text);
      if (found !== null) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    });
    child.once('exit', () => reject(new Error(`chromium ended: ${text.slice(-500)}`)));
  });
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const waiting = new Map();
  const requests = [];
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === 'Network.requestWillBeSent') requests.push(message.params.request.url);
    const answer = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) answer?.resolve(message.result);
    else answer?.reject(new Error(message.error.message));
  });
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      waiting.set((last += 1), { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    });
  const stop = async () => {
    socket.close();
    process.removeListener('exit', die);
    const ended = new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(),
    );
    die();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20 });
  };

  /** Opens an address in a tab of its own. */
  const open = async (url) => {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
    const ask = (method, params) => send(method, params, sessionId);
    await ask('Network.enable');
    await ask('Page.enable');
    await ask('DOM.enable');
    await ask('Page.navigate', { url });
    const evaluate = async (expression) => {
      const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    const choose = async (selector, files) => {
      const { root } = await ask('DOM.getDocument');
      const { nodeId } = await ask('DOM.querySelector', { nodeId: root.nodeId, selector });
      await ask('DOM.setFileInputFiles', { nodeId, files });
      // Of a folder the browser lists the files after it has answered.
      const deadline = Date.now() + CHOSEN_MS;
      while (!(await evaluate(`document.querySelector(${JSON.stringify(selector)}).files.length > 0`))) {
        if (Date.now() > deadline) throw new Error(`nothing was chosen in ${selector}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    return { evaluate, choose };
  };
  return { open, requests, stop };
}
