import { FastifyAdapter } from '@nestjs/platform-fastify';

/** The HTTP adapter the console is made for: small JSON bodies, no trust in proxy headers, idle connections closed at the end. */
export function createConsoleAdapter(): FastifyAdapter {
  return new FastifyAdapter({ bodyLimit: 64 * 1024, forceCloseConnections: 'idle', trustProxy: false });
}
