import { readFile } from 'node:fs/promises';
import { verifyPacket } from '#apps/evidence';
import { writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import type { State } from '#service';
import { loadOrCreateSecret } from '#signing';
import type { Standalone } from '../compose/standalone.js';
import { startSimulatedProvider } from './provider.js';
import { runDemo } from './scenario.js';

const PACE_MS = 15;
const DONE_MARK = 'demo.json';

export interface Demo {
  /** Base URL of the simulated provider. */
  readonly upstream: string;
  readonly credentialFile: string;
  /** Packets of the first run; null when the scenario has not run in this state directory. */
  readonly shown: readonly string[] | null;
  readonly state: State;
  close(): Promise<void>;
}

/** Starts the simulated provider, with a key of its own that the gateway holds and no client sees. */
export async function prepareDemo(state: State): Promise<Demo> {
  const apiKey = (await loadOrCreateSecret(state.path('keys', 'provider.secret'))).toString('hex');
  const credentialFile = state.path('keys', 'provider.key');
  await writeFileDurably(credentialFile, `${apiKey}\n`);
  const provider = await startSimulatedProvider({ host: '127.0.0.1', port: 0, apiKey, pace: PACE_MS });
  const shown = await readFile(state.path(DONE_MARK), 'utf8').then(
    (text) => (JSON.parse(text) as { packets: string[] }).packets,
    () => null,
  );
  return { upstream: provider.url, credentialFile, shown, state, close: () => provider.close() };
}

/** Runs the scenario once per state directory; `run.json` tells how it went. The instance keeps serving either way. */
export async function showDemo(demo: Demo, standalone: Standalone, stopAsked: Promise<void>): Promise<void> {
  const { state } = demo;
  const say = (line: string): void => void process.stdout.write(`  ${line}\n`);
  if (demo.shown !== null) {
    say(`shown before; its packets: ${demo.shown.join(', ')}`);
    return standalone.announce({ demo: 'passed', packets: demo.shown });
  }
  const vkey = (await readFile(state.path('keys', 'ledger.vkey'), 'utf8')).trim();
  const scenario = runDemo({
    gateway: standalone.gatewayUrl,
    console: standalone.consoleUrl,
    connection: 'claude',
    token: (subject, groups) => standalone.developmentToken(subject, groups),
    verify: async (path) => {
      const report = await verifyPacket(await readFile(path), { vkey });
      if (!report.ok)
        throw new AffiantError('packet_invalid', `the packet does not verify: ${JSON.stringify(report).slice(0, 500)}`, { where: path });
    },
    say,
    nowMs: () => Date.now(),
  });
  try {
    const packets = await Promise.race([scenario, stopAsked.then(() => null)]);
    if (packets === null) {
      scenario.catch(() => undefined);
      return;
    }
    await writeFileDurably(state.path(DONE_MARK), `${JSON.stringify({ packets })}\n`);
    await standalone.announce({ demo: 'passed', packets });
    say('passed. It keeps serving; stop it with Ctrl-C.');
  } catch (error) {
    say(`FAILED: ${(error as Error).message}`);
    await standalone.announce({ demo: 'failed' });
  }
}
