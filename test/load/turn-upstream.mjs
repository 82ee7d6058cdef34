// Upstream of the turns: answers what the `model` of the request names (turn-bodies.mjs). A process of its own.
import { createServer } from 'node:http';
import { ANSWERS } from './turn-bodies.mjs';

const made = new Map();
const server = createServer((request, response) => {
  let head = '';
  request.on('data', (chunk) => {
    if (head.length < 400) head += chunk.toString('latin1', 0, 400);
  });
  request.on('end', () => {
    const name = /"model":\s*"turn-([^"]+)"/.exec(head)?.[1] ?? 'small';
    const answer = ANSWERS[name];
    if (!made.has(name)) made.set(name, Buffer.from(answer.make()));
    const bytes = made.get(name);
    response.writeHead(answer.status ?? 200, { 'content-type': answer.type, 'content-length': bytes.length });
    response.end(bytes);
  });
});
server.keepAliveTimeout = 120_000;
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
