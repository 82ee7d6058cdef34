import { Controller, Get, Inject, Param, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AffiantError } from '#errors';
import { recordAccess } from '../access/access-log.js';
import { CallerGuard, ReadersOnly, readerOfRequest } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { LedgerReader, type LedgerRow } from '../ledger/ledger-reader.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import { replaySession, type ReplayStep } from './replay.js';

const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(50) });
const replayQuery = z.strictObject({ after: z.string().max(200).default('') });

/** `GET /api/v1/sessions[/:id[/replay]]`. */
@Controller('api/v1/sessions')
@UseGuards(CallerGuard)
@ReadersOnly()
export class SessionsController {
  constructor(
    @Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts,
    @Inject(LedgerReader) private readonly ledger: LedgerReader,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ sessions: readonly LedgerRow[] }> {
    const { limit } = validate(listQuery, query);
    const sql = 'SELECT * FROM audit.sessions ORDER BY last_at DESC, session_id LIMIT {limit:UInt32}';
    return { sessions: await this.ledger.read(readerOfRequest(request), sql, { limit }) };
  }

  @Get(':id')
  async show(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
  ): Promise<{ session_id: string; parts: readonly LedgerRow[]; exchanges: readonly LedgerRow[] }> {
    const caller = readerOfRequest(request);
    // A session id is the client's word: several principals or connections may have used it, and each is a row.
    const parts = await this.ledger.read(caller, 'SELECT * FROM audit.sessions WHERE session_id = {id:String} LIMIT 100', { id });
    if (parts.length === 0) throw new AffiantError('not_found', 'there is no such session in the ledger');
    const sql = 'SELECT * FROM audit.exchanges WHERE session_id = {id:String} ORDER BY started_at, exchange_id LIMIT 1000';
    return { session_id: id, parts, exchanges: await this.ledger.read(caller, sql, { id }) };
  }

  @Get(':id/replay')
  async replay(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Query() query: unknown,
  ): Promise<{ session_id: string; steps: readonly ReplayStep[]; next: string | null }> {
    const caller = readerOfRequest(request);
    const { after } = validate(replayQuery, query);
    const { steps, next } = await replaySession(this.ledger, caller, id, after);
    if (steps.length === 0 && after === '') throw new AffiantError('not_found', 'there is no such session in the ledger');
    await recordAccess(this.ports.recorder, {
      kind: 'session.replayed',
      principal: caller.credential.principal,
      outcome: 'success',
      subject: id,
      session_id: id,
      attributes: { role: caller.reader, exchanges: steps.length, ...(after === '' ? {} : { after }) },
    });
    return { session_id: id, steps, next };
  }
}
