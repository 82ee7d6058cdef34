import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts the bundled worker-child, waits until it has begun a job, and kills it. Answers the job's key. */
export async function beginAndKill(script: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'close');
  return line.toString('utf8').trim();
}
