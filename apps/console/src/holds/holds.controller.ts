import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Hold, RetentionDrop } from '#catalogue';
import { AffiantError } from '#errors';
import type { PlannedDrop } from '#retention';
import { CallerGuard, callerOfRequest, type Caller } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import { placeHold, releaseHold, type HoldDeskOptions, type PlacedHold } from './hold-desk.js';

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const named = z.string().min(1).max(512);
const placing = z.strictObject({
  reason: z.string().default(''),
  from: instant.nullable().default(null),
  to: instant.nullable().default(null),
  session: named.nullable().default(null),
  principal: named.nullable().default(null),
  connection: named.nullable().default(null),
});
const releasing = z.strictObject({ reason: z.string().default('') });
const listing = z.strictObject({
  state: z.enum(['placed', 'released']).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** `/api/v1/holds`: what may not be dropped, who said so and why. */
@Controller('api/v1/holds')
@UseGuards(CallerGuard)
export class HoldsController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ holds: Hold[] }> {
    const { book } = holdsOf(this.ports, callerOfRequest(request));
    const { state, limit } = validate(listing, query);
    return { holds: await book.list(state, limit) };
  }

  @Post()
  @HttpCode(201)
  place(@Req() request: FastifyRequest, @Body() body: unknown): Promise<PlacedHold> {
    const { credential } = callerOfRequest(request);
    const { reason, ...scope } = validate(placing, body);
    return placeHold(deskOf(this.ports), credential.principal, scope, reason);
  }

  @Post(':id/release')
  @HttpCode(200)
  async release(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: unknown): Promise<{ hold: Hold }> {
    const { credential } = callerOfRequest(request);
    const { reason } = validate(releasing, body);
    return { hold: await releaseHold(deskOf(this.ports), credential.principal, id, reason) };
  }
}

/** `/api/v1/retention`: what would go, what stays and why, and what went. */
@Controller('api/v1/retention')
@UseGuards(CallerGuard)
export class RetentionController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async show(@Req() request: FastifyRequest): Promise<{ plan: readonly PlannedDrop[]; drops: RetentionDrop[] }> {
    const { book } = holdsOf(this.ports, callerOfRequest(request));
    const { retention } = this.ports;
    return { plan: retention === undefined ? [] : await retention(), drops: await book.drops() };
  }
}

/** Readers of the ledger see holds, and so do those who may place or release them; to others there is nothing. */
function holdsOf({ holds }: ConsolePorts, { reader, credential }: Caller): NonNullable<ConsolePorts['holds']> {
  const { place = [], release = [] } = holds?.roles() ?? {};
  const may = reader !== null || credential.principal.groups.some((group) => place.includes(group) || release.includes(group));
  if (holds === undefined || !may) throw new AffiantError('not_found', 'there is no such thing here');
  return holds;
}

function deskOf({ holds, recorder, clock, ids, redact }: ConsolePorts): HoldDeskOptions {
  if (holds === undefined) throw new AffiantError('not_found', 'there are no holds here');
  return { ...holds, recorder, clock, ids, redact };
}
