// Ports below the ephemeral range, so that no outgoing connection takes one while its server restarts.
import { spawnSync } from 'node:child_process';

const PROBE = `
const { createServer } = require('node:net');
const found = [];
const next = () => {
  if (found.length === Number(process.argv[1])) return console.log(JSON.stringify(found.map((s) => s.address().port))), process.exit(0);
  const server = createServer();
  server.once('error', next);
  server.listen(12_000 + Math.floor(Math.random() * 20_000), '127.0.0.1', () => (found.push(server), next()));
};
next();`;

/** @returns {number[]} `count` loopback ports that were free a moment ago */
export function freePorts(count) {
  return JSON.parse(spawnSync(process.execPath, ['-e', PROBE, String(count)], { encoding: 'utf8' }).stdout);
}
