// Preload (`node --import`): measures the turns of the event loop of this process, on demand of its parent over IPC: 'begin', then 'end' -> figures.
// With TURN_PROFILE=1 also what ran in the longest ones.
import { Session } from 'node:inspector';
import { beginTurns, endTurns } from '../support/turn-meter.mjs';

const session = process.env.TURN_PROFILE === '1' ? new Session() : null;
const post = (method, parameters) =>
  new Promise((resolve, reject) => session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error))));
if (session !== null) {
  session.connect();
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: 100 });
}

async function begin() {
  if (session !== null) await post('Profiler.start');
  beginTurns();
  return {};
}

async function end() {
  const figures = await endTurns();
  if (session === null) return figures;
  const { profile } = await post('Profiler.stop');
  for (const entry of figures.longest) entry.ran = framesOf(profile, entry);
  return figures;
}

/** What ran in a turn: functions by their share of the samples, with the callers that lead there. Profile times are microseconds of the same clock. */
function framesOf(profile, { from, to }) {
  const offset = profileOffset();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  const weights = new Map();
  let at = profile.startTime;
  for (let i = 0; i < profile.samples.length; i += 1) {
    const delta = profile.timeDeltas[i];
    at += delta;
    const ms = at / 1000 - offset;
    if (ms < from || ms > to) continue;
    const stack = [];
    for (let node = nodes.get(profile.samples[i]); node !== undefined && stack.length < 8; node = parents.get(node.id)) {
      const { functionName, url, lineNumber } = node.callFrame;
      if (functionName === '(root)') break;
      stack.push(`${functionName || 'anonymous'}${url === '' ? '' : ` ${url.split('/').slice(-1)[0]}:${lineNumber + 1}`}`);
    }
    const key = stack.join(' < ');
    weights.set(key, (weights.get(key) ?? 0) + delta / 1000);
  }
  return [...weights]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 12)
    .map(([stack, ms]) => `${ms.toFixed(2)} ${stack}`);
}

/** Milliseconds between the profile's clock (monotonic) and performance.now(). */
const profileOffset = () => Number(process.hrtime.bigint()) / 1e6 - performance.now();

process.on('message', async (command) => {
  process.send(command === 'begin' ? await begin() : await end());
});
process.on('disconnect', () => process.exit(0));
