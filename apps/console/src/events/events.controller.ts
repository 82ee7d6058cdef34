import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Req, Res, UseGuards, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AffiantError } from '#errors';
import { ALL_TOPICS, type Topic } from '#events';
import { OCSF_TOPIC } from '#ocsf';
import { recordAccess } from '../access/access-log.js';
import { CallerGuard, ReadersOnly, readerOfRequest } from '../access/caller.guard.js';
import { validate } from '../access/validate.js';
import { CONSOLE_PORTS, type ConsolePorts, type TailOptions } from '../ports.js';
import { eventLine, ocsfLine } from './event-json.js';

const tailQuery = z.strictObject({
  topic: z.enum([OCSF_TOPIC, ...ALL_TOPICS] as [typeof OCSF_TOPIC, ...Topic[]]).optional(),
  format: z.literal('ndjson').optional(),
  from: z.string().max(4_000).optional(),
  follow: z.enum(['0', '1', 'true', 'false', '']).default('0'),
});
const MAX_TAILS = 16;

/**
 * `GET /api/v1/events`: decoded events as NDJSON, from a cursor on, optionally following. Ends with the token, the client or the process.
 * Topic `affiant.ocsf.v1` is not a topic of the log: it is every event, as OCSF.
 */
@Controller('api/v1/events')
@UseGuards(CallerGuard)
@ReadersOnly()
export class EventsController implements OnModuleDestroy {
  readonly #tails = new Set<AbortController>();

  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  async tail(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Query() query: unknown): Promise<void> {
    const { credential } = readerOfRequest(request);
    const { topic = null, from = null, follow } = validate(tailQuery, query);
    if (this.#tails.size >= MAX_TAILS) throw new AffiantError('query_limit', 'too many tails at once', { remedy: 'End one of them.' });
    const stop = new AbortController();
    this.#tails.add(stop);
    const lease = setTimeout(() => stop.abort(), Math.min(credential.expiresAtMs - this.ports.clock.nowMs(), 2 ** 31 - 1));
    const end = (): void => {
      clearTimeout(lease);
      this.#tails.delete(stop);
      stop.abort();
    };
    reply.raw.once('close', end);
    try {
      await recordAccess(this.ports.recorder, {
        kind: 'events.tailed',
        principal: credential.principal,
        outcome: 'success',
        subject: topic,
        attributes: { from: from ?? '', follow },
      });
      const ocsf = topic === OCSF_TOPIC;
      const options = {
        topic: topic === OCSF_TOPIC ? null : topic,
        from,
        follow: follow === '1' || follow === 'true' || follow === '',
        signal: stop.signal,
      };
      await reply
        .header('content-type', 'application/x-ndjson')
        .header('cache-control', 'no-store')
        .send(Readable.from(this.#lines(options, ocsf)));
    } catch (error) {
      end();
      throw error;
    }
  }

  async *#lines(options: TailOptions, ocsf: boolean): AsyncGenerator<string> {
    for await (const event of this.ports.tail.read(options)) yield ocsf ? ocsfLine(event, this.ports.origin) : eventLine(event);
  }

  onModuleDestroy(): void {
    for (const tail of this.#tails) tail.abort();
  }
}
