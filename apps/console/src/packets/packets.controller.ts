import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { PacketRecord } from '#catalogue';
import { AffiantError } from '#errors';
import { recordAccess } from '../access/access-log.js';
import { CallerGuard, ReadersOnly, callerOfRequest } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';

const instant = z.string().refine((text) => /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) && !Number.isNaN(Date.parse(text)), {
  message: 'must be an ISO 8601 date, or a time with its offset',
});
const newPacket = z.strictObject({ framework: z.enum(['ffiec', 'nist-800-53']), from: instant, to: instant });
const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(50) });

/** `/api/v1/packets`: evidence packets, made as jobs and handed out as PDF. */
@Controller('api/v1/packets')
@UseGuards(CallerGuard)
@ReadersOnly()
export class PacketsController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Post()
  @HttpCode(202)
  async create(@Req() request: FastifyRequest, @Body() body: unknown): Promise<{ packet: PacketRecord }> {
    const { framework, from, to } = validate(newPacket, body);
    const period = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    if (period.from >= period.to) throw new AffiantError('usage_invalid', 'from must be before to', { where: 'from' });
    const requestedBy = callerOfRequest(request).credential.principal;
    return { packet: await this.ports.packets.create({ framework, ...period, requestedBy }) };
  }

  @Get()
  async list(@Query() query: unknown): Promise<{ packets: readonly PacketRecord[] }> {
    return { packets: await this.ports.packets.list(validate(listQuery, query).limit) };
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<{ packet: PacketRecord }> {
    const packet = await this.ports.packets.get(id);
    if (packet === null) throw new AffiantError('not_found', 'there is no such packet');
    return { packet };
  }

  @Get(':id/download')
  async download(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Param('id') id: string): Promise<void> {
    const { name, bytes, sha256 } = await this.ports.packets.open(id);
    await recordAccess(this.ports.recorder, {
      kind: 'packet.downloaded',
      principal: callerOfRequest(request).credential.principal,
      outcome: 'success',
      subject: id,
      attributes: { name, bytes: bytes.length, sha256 },
    });
    // A crash here leaves a download in the trail that nobody got: the trail may say too much, never too little.
    await reply
      .header('content-type', 'application/pdf')
      .header('content-disposition', `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`)
      .header('x-affiant-sha256', sha256)
      .header('cache-control', 'no-store')
      .send(bytes);
  }
}
