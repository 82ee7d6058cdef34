// Longest turn of the event loop of the gateway alone, by body. `node test/load/turns.mjs [--runs N] [--only TEXT] [--profile] [--json]`
// One run is one call on a gateway that is warm. First sight: every run has a body of its own; known: the same body again, in one session.
// Of N runs the best counts: what only some runs show is the machine's (page faults of a cold heap, the JIT), what every run shows is ours.
import '../support/prepare.mjs';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../support/instance.mjs';
import { ANSWERS, REQUESTS } from './turn-bodies.mjs';

const at = (file) => join(root, 'test/load', file);

/** The gateway under watch and its upstream, until `stop()`. */
export async function startWatched({ profile = false, execArgv = [] } = {}) {
  const upstream = fork(at('turn-upstream.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port: upstreamPort }] = await once(upstream, 'message');
  const gateway = fork(at('gateway.mjs'), [`http://127.0.0.1:${upstreamPort}`], {
    execArgv: ['--no-warnings', ...execArgv, '--import', at('turn-watch.mjs')],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, TURN_PROFILE: profile ? '1' : '0' },
  });
  const [line] = await once(gateway.stdout, 'data');
  const { port, token } = JSON.parse(line.toString());
  const agent = new Agent({ keepAlive: true });
  const ask = async (command) => {
    gateway.send(command);
    return (await once(gateway, 'message'))[0];
  };
  return {
    agent,
    port,
    token,
    /** Figures of the turns while `work` ran. */
    async watch(work) {
      await ask('begin');
      const result = await work();
      return { ...(await ask('end')), result };
    },
    call: (bytes, session) => call({ port, token, agent }, bytes, session),
    stop() {
      agent.destroy();
      gateway.kill('SIGTERM');
      upstream.kill('SIGTERM');
    },
  };
}

function call({ port, token, agent }, bytes, session) {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-api-key': token,
      'content-length': bytes.length,
    };
    if (session !== undefined) headers['x-claude-code-session-id'] = session;
    const outgoing = request({ agent, host: '127.0.0.1', port, path: '/c/bench/v1/messages', method: 'POST', headers }, (answer) => {
      let length = 0;
      let head = '';
      answer.on('data', (chunk) => {
        length += chunk.length;
        if (head.length < 300) head += chunk.toString('utf8', 0, 300);
      });
      answer.on('end', () => resolve({ status: answer.statusCode, length, head }));
      answer.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

/** Warms the paths: a call of each size and form that agents use, several times. */
export async function warm(watched) {
  for (let i = 0; i < 3; i += 1) {
    for (const name of ['4 kB', '200 kB', '2 MB'])
      for (let n = 0; n < 4; n += 1) await watched.call(REQUESTS[name].make(`warm ${i} ${n}`), 'warm');
    for (const name of ['json 200 kB', 'json 2 MB', 'stream 2 MB, small deltas']) await watched.call(asking(name, `warm ${i}`), 'warm');
  }
}

const asking = (name, salt) => Buffer.from(`{"model":"turn-${name}","max_tokens":9,"messages":[{"role":"user","content":"${salt}"}]}`);

/** Every body: {name, sight, allowed statuses, bytes(run), session}. */
export function cases() {
  const list = [];
  for (const [name, { make, session, refused }] of Object.entries(REQUESTS)) {
    const statuses = refused === true ? [200, 400] : [200];
    list.push({
      name: `request ${name}`,
      sight: 'first',
      statuses,
      bytes: (run) => make(`s${run}-${name}`),
      session: (run) => `first ${name} ${run}`,
    });
    if (session !== true) continue;
    let known;
    list.push({
      name: `request ${name}`,
      sight: 'known',
      statuses,
      bytes: () => (known ??= make(`known-${name}`)),
      session: () => `known ${name}`,
      before: 1,
    });
  }
  for (const [name, { status }] of Object.entries(ANSWERS)) {
    if (name === 'small') continue;
    list.push({
      name: `answer ${name}`,
      sight: '',
      statuses: [status ?? 200],
      bytes: (run) => asking(name, `run ${run}`),
      session: (run) => `answer ${run}`,
    });
  }
  return list;
}

/** Runs one body `runs` times. @returns figures of the best run by CPU, and the median and worst longest turn over the runs. */
export async function measure(watched, one, runs) {
  const results = [];
  for (let i = 0; i < (one.before ?? 0); i += 1) await watched.call(one.bytes(0), one.session(0));
  for (let run = 0; run < runs; run += 1) {
    const bytes = one.bytes(run);
    const figures = await watched.watch(() => watched.call(bytes, one.session(run)));
    if (!one.statuses.includes(figures.result.status))
      throw new Error(`${one.name}: status ${figures.result.status}: ${figures.result.head}`);
    results.push(figures);
  }
  results.sort((a, b) => a.cpuMs - b.cpuMs);
  const best = results[0];
  const leastWall = Math.min(...results.map(({ wallMs }) => wallMs));
  return {
    name: one.name,
    sight: one.sight,
    status: best.result.status,
    cpuMs: best.cpuMs,
    cpuWithoutGcMs: Math.min(...results.map(({ cpuWithoutGcMs }) => cpuWithoutGcMs)),
    medianCpuMs: results[Math.floor(results.length / 2)].cpuMs,
    worstCpuMs: results.at(-1).cpuMs,
    wallMs: leastWall,
    gcMs: best.gcMs,
    turns: best.turns,
    longest: best.longest,
  };
}

async function main() {
  const args = process.argv.slice(2);
  const option = (name, fallback) => (args.includes(name) ? args[args.indexOf(name) + 1] : fallback);
  const runs = Number(option('--runs', '3'));
  const only = option('--only', '');
  const profile = args.includes('--profile');
  const watched = await startWatched({ profile, execArgv: option('--node', '').split(' ').filter(Boolean) });
  const table = [];
  try {
    await warm(watched);
    console.error(`${'body'.padEnd(44)} ${'sight'.padEnd(6)} cpu best  no gc  median  worst | wall best | longest gc | turns`);
    for (const one of cases()) {
      if (!`${one.name} ${one.sight}`.includes(only)) continue;
      const figures = await measure(watched, one, runs);
      table.push(figures);
      const ms = (value) => value.toFixed(1).padStart(6);
      console.error(
        `${figures.name.padEnd(44)} ${figures.sight.padEnd(6)} ${ms(figures.cpuMs)}  ${ms(figures.cpuWithoutGcMs)} ${ms(figures.medianCpuMs)} ${ms(figures.worstCpuMs)} | ${ms(figures.wallMs)} | ${ms(figures.gcMs)} | ${figures.turns} turns, status ${figures.status}`,
      );
      if (profile)
        for (const { cpu, wall, gc, gcKinds, ran } of figures.longest.slice(0, 3))
          console.error(
            `   ${cpu.toFixed(2)} cpu ${wall.toFixed(2)} wall ${gc.toFixed(2)} gc [${gcKinds}]\n      ${(ran ?? []).join('\n      ')}`,
          );
    }
  } finally {
    watched.stop();
  }
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify(table)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
