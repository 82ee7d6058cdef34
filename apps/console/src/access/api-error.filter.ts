import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AffiantError, isAffiantError } from '#errors';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';

/** Every error of the API as `{error: {code, message, where?, remedy}}` with the status of its code. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  catch(cause: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = this.#asAffiant(cause);
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    if (error.status === 401) void reply.header('www-authenticate', 'Bearer realm="affiant"');
    if (error.status === 429) void reply.header('retry-after', '5');
    void reply.status(error.status).header('cache-control', 'no-store').send({ error: error.toJSON() });
  }

  #asAffiant(cause: unknown): AffiantError {
    if (isAffiantError(cause)) return cause;
    const status = cause instanceof HttpException ? cause.getStatus() : (cause as { statusCode?: unknown } | null)?.statusCode;
    switch (status) {
      case 404:
        return new AffiantError('not_found', 'there is no such address', { remedy: 'See docs/reference/api.md.' });
      case 413:
        return new AffiantError('body_too_large', 'the body is too large', { remedy: 'Send less than 64 KiB.' });
      case 400:
      case 415:
        return new AffiantError('usage_invalid', 'the body is not JSON', { cause });
      default:
        this.ports.logger.error({ reason: cause instanceof Error ? cause.message : String(cause) }, 'an API call failed');
        return new AffiantError('internal', 'the call failed', { cause });
    }
  }
}
