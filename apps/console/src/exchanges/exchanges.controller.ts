import { Controller, Get, Inject, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CallerGuard, ReadersOnly, readerOfRequest } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { LedgerReader, type LedgerRow } from '../ledger/ledger-reader.js';

const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  session_id: z.string().max(200).optional(),
});

const COLUMNS = `exchange_id, session_id, connection, protocol, operation, model, stream, tools, started_at, finished_at, principal_subject,
  principal_kind, principal_actor, verdict, policies, policy_version, outcome, status, stop_reason, tool_calls, input_tokens, output_tokens,
  first_byte_us, duration_us, request_masks, response_masks, error_code, request_leaf_index, response_leaf_index`;

/** `GET /api/v1/exchanges`: the last exchanges, newest first. */
@Controller('api/v1/exchanges')
@UseGuards(CallerGuard)
@ReadersOnly()
export class ExchangesController {
  constructor(@Inject(LedgerReader) private readonly ledger: LedgerReader) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ exchanges: readonly LedgerRow[] }> {
    const { limit, session_id: session = '' } = validate(listQuery, query);
    const sql = `SELECT ${COLUMNS} FROM audit.exchanges WHERE {session:String} = '' OR session_id = {session:String}
ORDER BY started_at DESC, exchange_id DESC LIMIT {limit:UInt32}`;
    return { exchanges: await this.ledger.read(readerOfRequest(request), sql, { session, limit }) };
  }
}
