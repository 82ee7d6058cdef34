import { isIP } from 'node:net';
import { Controller, Get, Inject, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AffiantError } from '#errors';
import { CallerGuard, callerOfRequest } from '../access/caller.guard.js';
import { CONSOLE_PORTS, type ConsolePorts, type StatusReport } from '../ports.js';

export interface WhoAmI {
  readonly issuer: string;
  readonly subject: string;
  readonly kind: string;
  readonly groups: readonly string[];
  readonly actor: string | null;
  readonly reader: string | null;
  /** ISO 8601. */
  readonly expires_at: string;
}

/** `GET /api/v1/status`, `/whoami`. */
@Controller('api/v1')
@UseGuards(CallerGuard)
export class StatusController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get('status')
  status(): Promise<StatusReport> {
    return this.ports.status.status();
  }

  @Get('whoami')
  whoami(@Req() request: FastifyRequest): WhoAmI {
    const { credential, reader } = callerOfRequest(request);
    const { issuer, subject, kind, groups, actor } = credential.principal;
    return { issuer, subject, kind, groups, actor, reader, expires_at: new Date(credential.expiresAtMs).toISOString() };
  }
}

/** `/livez` and `/readyz` for whoever keeps the process running, which tell nothing but up or not; `/metrics` for a collector on this machine. */
@Controller()
export class ProbesController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get('livez')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const report = await this.ports.status.status().catch(() => null);
    const ready = report !== null && report.state !== 'halted' && report.gateway?.draining !== true;
    await reply.status(ready ? 200 : 503).send({ status: ready ? 'ok' : 'not ready', state: report?.state ?? 'unknown' });
  }

  /** From elsewhere it is not there: sources, sinks and what is wrong with an instance are nobody's business on the network. */
  @Get('metrics')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { metrics } = this.ports;
    if (metrics === undefined || !isLoopback(request.socket.remoteAddress ?? '')) throw new AffiantError('not_found', 'no such path');
    const { contentType, body } = await metrics.text();
    await reply.header('content-type', contentType).header('cache-control', 'no-store').send(body);
  }
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return isIP(plain) === 4 ? plain.startsWith('127.') : plain === '::1';
}
