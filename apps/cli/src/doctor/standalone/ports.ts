import { createServer } from 'node:net';
import { once } from 'node:events';
import type { ServerConfig } from '#config';
import { fail, ok, skipped, warn, worst, type Check, type Finding } from '../check.js';
import { runningInstance } from './instance.js';

/** The ports of the configuration are free, when nothing of ours listens on them. */
export const portsCheck = (state: string, server: ServerConfig, developmentIssuer: boolean): Check => ({
  id: 'host.ports',
  title: 'Ports',
  run: async () => {
    if (runningInstance(state) !== null) return skipped('the instance runs and has them');
    const wanted = [
      ['gateway_port', server.gateway_port, server.host],
      ['console_port', server.console_port, server.host],
      ...(developmentIssuer ? ([['issuer_port', server.issuer_port, '127.0.0.1']] as const) : []),
    ] as const;
    const findings = await Promise.all(wanted.map(([name, port, host]) => isFree(name, port, host)));
    const open = !['127.0.0.1', '::1', 'localhost'].includes(server.host);
    if (open)
      findings.push(warn(`server.host is ${server.host}: others on the network can call`, 'Put TLS in front, or listen on loopback.'));
    return worst(findings, wanted.map(([, port]) => port).join(', '));
  },
});

async function isFree(name: string, port: number, host: string): Promise<Finding> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return ok(name);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EADDRINUSE') return fail(`server.${name} ${port} is in use`, 'Stop what uses it, or choose another port (0 = any).');
    return fail(`server.${name} ${port} on ${host}: ${code ?? String(error)}`, 'Choose a port above 1023 and an address of this machine.');
  } finally {
    server.close();
  }
}
