// Load generator, a process of its own. Reads one job as JSON from argv, prints one JSON result.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { body, renewing } from './bodies.mjs';

const job = JSON.parse(process.argv[2]);
const target = new URL(job.url);
const agent = new Agent({ keepAlive: true, maxSockets: 512 });

/** One call: milliseconds to the first content delta and to the end. */
function call(bytes) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    let firstAt = null;
    let seen = '';
    const outgoing = request(
      {
        agent,
        host: target.hostname,
        port: target.port,
        path: target.pathname,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...job.headers, 'content-length': bytes.length },
      },
      (answer) => {
        let length = 0;
        answer.on('data', (chunk) => {
          length += chunk.length;
          if (firstAt !== null) return;
          seen += chunk.toString('latin1');
          if (!job.stream || seen.includes('content_block_delta')) firstAt = performance.now();
        });
        answer.on('end', () => {
          if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}: ${seen.slice(0, 300)}`));
          else resolve({ ttft: (firstAt ?? performance.now()) - startedAt, total: performance.now() - startedAt, length });
        });
        answer.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

/** One body for each worker, new in every call: a body that was sent before would be recognised, whatever the row is called. Where the row is about that: the same again. */
function bodyOf(worker) {
  const bytes = body({
    model: job.model,
    stream: job.stream === true,
    bytes: job.bytes,
    salt: `${job.salt}-${worker}`,
    fresh: job.fresh === true,
  });
  return job.again === true ? () => bytes : renewing(bytes);
}

async function run() {
  const results = [];
  const errors = [];
  let next = 0;
  let deadline = Infinity;
  const bodies = Array.from({ length: job.concurrency }, (_, worker) => bodyOf(worker));
  if (job.gated === true) {
    // Beside others: begins when it is told to, and ends when nobody tells it any more.
    process.stdin.on('end', () => (deadline = 0));
    process.stdout.write('ready\n');
    await once(process.stdin, 'data');
  }
  deadline = job.durationMs === undefined ? Infinity : performance.now() + job.durationMs;
  const startedAt = performance.now();
  const worker = async (renewed, number) => {
    // Apart, as callers that know nothing of each other: else all begin at the same moment, call after call.
    if (job.apartMs !== undefined) await delay(number * job.apartMs);
    for (let turn = 0; performance.now() < deadline && next < (job.count ?? Infinity); turn += 1) {
      // At a pace: the same load for whoever is measured. A call that is late begins at once.
      if (job.everyMs !== undefined) await delay(Math.max(0, startedAt + turn * job.everyMs - performance.now()));
      try {
        results.push(await call(renewed(next++)));
      } catch (error) {
        errors.push(error.message);
        if (errors.length > 20) return;
      }
    }
  };
  await Promise.all(bodies.map(worker));
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${JSON.stringify({ calls: results.length, seconds, errors: errors.length, firstError: errors[0], ttft: results.map((r) => r.ttft), total: results.map((r) => r.total) })}\n`,
  );
  agent.destroy();
  process.stdin.destroy();
}

await run();
