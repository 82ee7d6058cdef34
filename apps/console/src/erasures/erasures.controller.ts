import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Erasure } from '#catalogue';
import { AffiantError } from '#errors';
import { CallerGuard, callerOfRequest, type Caller } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import { approveErasure, requestErasure, withdrawErasure, type ErasureDeskOptions, type RequestedErasure } from './erasure-desk.js';

const requesting = z.strictObject({
  session: z.string().min(1).max(512),
  reason: z.string().default(''),
  basis: z.string().max(2_000).default(''),
});
const deciding = z.strictObject({ reason: z.string().default('') });
const listing = z.strictObject({
  state: z.enum(['requested', 'intended', 'erasing', 'erased', 'abandoned', 'withdrawn']).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** `/api/v1/erasures`: whose content is to be erased, who said so and why, and what became of it. */
@Controller('api/v1/erasures')
@UseGuards(CallerGuard)
export class ErasuresController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ erasures: Erasure[] }> {
    const { book } = erasuresOf(this.ports, callerOfRequest(request));
    const { state, limit } = validate(listing, query);
    return { erasures: await book.list(state === undefined ? undefined : [state], limit) };
  }

  @Post()
  @HttpCode(201)
  request(@Req() request: FastifyRequest, @Body() body: unknown): Promise<RequestedErasure> {
    const { credential } = callerOfRequest(request);
    return requestErasure(deskOf(this.ports), credential.principal, validate(requesting, body));
  }

  @Post(':id/approve')
  @HttpCode(200)
  async approve(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: unknown): Promise<{ erasure: Erasure }> {
    const { credential } = callerOfRequest(request);
    return { erasure: await approveErasure(deskOf(this.ports), credential.principal, id, validate(deciding, body).reason) };
  }

  @Post(':id/withdraw')
  @HttpCode(200)
  async withdraw(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: unknown): Promise<{ erasure: Erasure }> {
    const { credential } = callerOfRequest(request);
    return { erasure: await withdrawErasure(deskOf(this.ports), credential.principal, id, validate(deciding, body).reason) };
  }
}

/** Readers of the ledger see erasures, and so do those who may request or approve them; to others there is nothing. */
function erasuresOf({ erasures }: ConsolePorts, { reader, credential }: Caller): NonNullable<ConsolePorts['erasures']> {
  const { request = [], approve = [] } = erasures?.roles() ?? {};
  const may = reader !== null || credential.principal.groups.some((group) => request.includes(group) || approve.includes(group));
  if (erasures === undefined || !may) throw new AffiantError('not_found', 'there is no such thing here');
  return erasures;
}

function deskOf({ erasures, recorder, clock, ids, redact }: ConsolePorts): ErasureDeskOptions {
  if (erasures === undefined) throw new AffiantError('not_found', 'there are no erasures here');
  return { ...erasures, recorder, clock, ids, redact };
}
