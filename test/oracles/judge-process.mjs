// Our Go program over x/mod and transparency-dev: one JSON question a line, one verdict a line.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** @returns `ask(question)`: {ok, why}, and `close()`. Buffers in a question are sent as base64. */
export function startJudge(program) {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {});
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  const end = (why) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the judge ended: ${why}`));
  };
  child.once('error', (error) => end(error.message));
  child.once('close', (code, signal) => end(code ?? signal));
  const base64 = (key, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64') : value);
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(question, base64)}\n`);
      }),
    close: () =>
      new Promise((resolve) => {
        child.once('close', resolve);
        child.stdin.end();
      }),
  };
}
