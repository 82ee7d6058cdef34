// Load generator, a process of its own. Reads one job as JSON from argv, prints one JSON result.
import { Agent, request } from 'node:http';
import { body } from './bodies.mjs';

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

const bodyOf = (i) =>
  body({ model: job.model, stream: job.stream === true, bytes: job.bytes, salt: `${job.salt}-${i}`, fresh: job.fresh === true });

async function run() {
  const results = [];
  const errors = [];
  let next = 0;
  const prepared = Array.from(
    { length: Math.min(job.count ?? 256, job.bytes > 1_000_000 ? 24 : job.bytes > 100_000 ? 128 : 256) },
    (_, i) => bodyOf(i),
  );
  const deadline = job.durationMs === undefined ? Infinity : performance.now() + job.durationMs;
  const worker = async () => {
    while (performance.now() < deadline && next < (job.count ?? Infinity)) {
      const i = next++;
      try {
        results.push(await call(prepared[i % prepared.length]));
      } catch (error) {
        errors.push(error.message);
        if (errors.length > 20) return;
      }
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: job.concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${JSON.stringify({ calls: results.length, seconds, errors: errors.length, firstError: errors[0], ttft: results.map((r) => r.ttft), total: results.map((r) => r.total) })}\n`,
  );
  agent.destroy();
}

await run();
