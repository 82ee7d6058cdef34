// Mock upstream of the load tests: answers at once, or streams, as the `model` of the request says. A process of its own.
//   bench-json: a 1 kB message · bench-stream: 25 deltas in one burst · bench-slow-<n>: 25 deltas, n ms apart
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const words = 'the quick brown fox jumps over the lazy dog and then it rests a while in the shade '.split(' ');

const head =
  event('message_start', {
    type: 'message_start',
    message: {
      id: 'msg_bench',
      type: 'message',
      role: 'assistant',
      model: 'bench',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 },
    },
  }) + event('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
const deltas = Array.from({ length: 25 }, (_, i) =>
  event('content_block_delta', {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: ` ${words[i % words.length]} ${words[(i * 7) % words.length]}` },
  }),
);
const tail =
  event('content_block_stop', { type: 'content_block_stop', index: 0 }) +
  event('message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 25 } }) +
  event('message_stop', { type: 'message_stop' });
const burst = Buffer.from(head + deltas.join('') + tail);
const json = Buffer.from(
  JSON.stringify({
    id: 'msg_bench',
    type: 'message',
    role: 'assistant',
    model: 'bench',
    content: [{ type: 'text', text: 'word '.repeat(150) }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 150 },
  }),
);

const server = createServer((request, response) => {
  let mode = null;
  request.on('data', (chunk) => {
    if (mode === null) mode = /"model":\s*"(bench-[a-z]+(?:-\d+)?)"/.exec(chunk.toString('latin1', 0, 400))?.[1] ?? null;
  });
  request.on('end', async () => {
    if (mode === null || mode === 'bench-json') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': json.length });
      response.end(json);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (mode === 'bench-stream') {
      response.end(burst);
      return;
    }
    const gap = Number(mode.split('-')[2] ?? 10);
    response.write(head);
    for (const delta of deltas) {
      if (response.destroyed) return;
      response.write(delta);
      await delay(gap);
    }
    response.end(tail);
  });
});
server.keepAliveTimeout = 120_000;
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`),
);
