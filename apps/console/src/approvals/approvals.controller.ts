import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Approval } from '#catalogue';
import { AffiantError } from '#errors';
import { recordAccess } from '../access/access-log.js';
import { CallerGuard, callerOfRequest, type Caller } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import { maySee } from './approval-rules.js';

const listQuery = z.strictObject({
  state: z.enum(['pending', 'granted', 'denied', 'expired', 'released']).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
});
const answer = z.strictObject({ reason: z.string().default('') });

/** `/api/v1/approvals`: what waits for people, and their answers. */
@Controller('api/v1/approvals')
@UseGuards(CallerGuard)
export class ApprovalsController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Query() query: unknown): Promise<{ approvals: Approval[] }> {
    const caller = callerOfRequest(request);
    const { state, limit } = validate(listQuery, query);
    const approvals = await this.ports.approvals.list(state === undefined ? { limit } : { state, limit });
    return { approvals: approvals.filter((approval) => visible(approval, caller)) };
  }

  @Get(':id')
  async show(@Req() request: FastifyRequest, @Param('id') id: string): Promise<{ approval: Approval }> {
    const caller = callerOfRequest(request);
    const approval = await this.#find(id, caller);
    await recordAccess(this.ports.recorder, {
      kind: 'approval.viewed',
      principal: caller.credential.principal,
      outcome: 'success',
      subject: id,
      session_id: approval.session_id,
      exchange_id: approval.exchange_id,
      attributes: { state: approval.state },
    });
    return { approval };
  }

  @Post(':id/approve')
  @HttpCode(200)
  approve(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: unknown): Promise<{ approval: Approval }> {
    return this.#vote(request, id, 'approve', body);
  }

  @Post(':id/deny')
  @HttpCode(200)
  deny(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: unknown): Promise<{ approval: Approval }> {
    return this.#vote(request, id, 'deny', body);
  }

  async #vote(request: FastifyRequest, id: string, verdict: 'approve' | 'deny', body: unknown): Promise<{ approval: Approval }> {
    const { credential } = callerOfRequest(request);
    const { reason } = validate(answer, body);
    return { approval: await this.ports.desk.vote(id, credential.principal, verdict, reason) };
  }

  /** Who may not see it gets the same answer as for what is not there. */
  async #find(id: string, caller: Caller): Promise<Approval> {
    const approval = await this.ports.approvals.get(id);
    if (approval === null || !visible(approval, caller)) throw new AffiantError('not_found', 'there is no such approval');
    return approval;
  }
}

function visible(approval: Approval, caller: Caller): boolean {
  return caller.reader !== null || maySee(approval, caller.credential.principal);
}
