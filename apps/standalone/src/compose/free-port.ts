import { createServer } from 'node:net';
import type { ServerConfig } from '#config';

/** The preferred ports where they are free, else 0 (any free one): a demonstration must not fail because something else runs here. */
export async function withFreePorts(server: ServerConfig): Promise<ServerConfig> {
  const pick = async (port: number): Promise<number> => ((await isFree(server.host, port)) ? port : 0);
  return {
    ...server,
    gateway_port: await pick(server.gateway_port),
    console_port: await pick(server.console_port),
    issuer_port: await pick(server.issuer_port),
  };
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
