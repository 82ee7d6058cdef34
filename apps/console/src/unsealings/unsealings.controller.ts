import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Unsealing } from '#catalogue';
import { AffiantError } from '#errors';
import { CallerGuard, callerOfRequest, type Caller } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import type { OpenedEvent } from './open-originals.js';
import { decideUnsealing, openUnsealing, requestUnsealing, type UnsealDeskOptions } from './unseal-desk.js';

const id = z.string().min(1).max(512);
const requesting = z
  .strictObject({ session: id.optional(), exchange: id.optional(), reason: z.string().default('') })
  .refine(({ session, exchange }) => (session === undefined) !== (exchange === undefined), 'name either a session or an exchange');
const deciding = z.strictObject({ reason: z.string().default('') });
const listing = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) });

/** `/api/v1/unsealings`: who asked for sealed originals, who said yes or no, and the values themselves, once. */
@Controller('api/v1/unsealings')
@UseGuards(CallerGuard)
export class UnsealingsController {
  #opening = false;

  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ unsealings: Unsealing[] }> {
    const { book } = unsealingsOf(this.ports, callerOfRequest(request));
    return { unsealings: await book.list(validate(listing, query).limit) };
  }

  @Post()
  @HttpCode(201)
  async request(@Req() request: FastifyRequest, @Body() body: unknown): Promise<{ unsealing: Unsealing }> {
    const { credential } = callerOfRequest(request);
    return { unsealing: await requestUnsealing(deskOf(this.ports), credential.principal, validate(requesting, body)) };
  }

  @Post(':id/approve')
  @HttpCode(200)
  approve(@Req() request: FastifyRequest, @Param('id') which: string, @Body() body: unknown): Promise<{ unsealing: Unsealing }> {
    return this.#decide(request, which, 'approved', body);
  }

  @Post(':id/deny')
  @HttpCode(200)
  deny(@Req() request: FastifyRequest, @Param('id') which: string, @Body() body: unknown): Promise<{ unsealing: Unsealing }> {
    return this.#decide(request, which, 'denied', body);
  }

  /** One at a time: each reads the private key and holds values in memory. */
  @Post(':id/open')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async open(
    @Req() request: FastifyRequest,
    @Param('id') which: string,
  ): Promise<{ unsealing: Unsealing; opened: readonly OpenedEvent[] }> {
    const { credential } = callerOfRequest(request);
    if (this.#opening) throw new AffiantError('query_limit', 'another unsealing is under way', { remedy: 'Try again.' });
    this.#opening = true;
    try {
      return await openUnsealing(deskOf(this.ports), credential.principal, which);
    } finally {
      this.#opening = false;
    }
  }

  async #decide(request: FastifyRequest, which: string, state: 'approved' | 'denied', body: unknown): Promise<{ unsealing: Unsealing }> {
    const { credential } = callerOfRequest(request);
    const { reason } = validate(deciding, body);
    return { unsealing: await decideUnsealing(deskOf(this.ports), credential.principal, which, state, reason) };
  }
}

/** Readers of the ledger see requests, and so do those who may make or decide them; to others there is nothing. */
function unsealingsOf({ unsealings }: ConsolePorts, { reader, credential }: Caller): NonNullable<ConsolePorts['unsealings']> {
  const { request = [], approve = [] } = unsealings?.rules() ?? {};
  const may = reader !== null || credential.principal.groups.some((group) => request.includes(group) || approve.includes(group));
  if (unsealings === undefined || !may) throw new AffiantError('not_found', 'there is no such thing here');
  return unsealings;
}

function deskOf({ unsealings, recorder, clock, ids, redact }: ConsolePorts): UnsealDeskOptions {
  if (unsealings === undefined) throw new AffiantError('not_found', 'nothing is unsealed here');
  return { ...unsealings, recorder, clock, ids, redact };
}
