import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { packageRoot } from '#config';

const file = (name: string): string => readFileSync(join(packageRoot, 'apps/console/page', name), 'utf8');

/** Nothing but our own files, no inline script or style, no form target, no frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page at `/`. It holds no data: it asks for a token, keeps it in memory only, and reads the API with it.
 */
@Controller()
export class PageController {
  readonly #html = file('index.html');
  readonly #script = file('console.js');
  readonly #style = file('console.css');

  @Get()
  async page(@Res() reply: FastifyReply): Promise<void> {
    await this.#send(reply, 'text/html; charset=utf-8', this.#html);
  }

  @Get('assets/console.js')
  async script(@Res() reply: FastifyReply): Promise<void> {
    await this.#send(reply, 'text/javascript; charset=utf-8', this.#script);
  }

  @Get('assets/console.css')
  async style(@Res() reply: FastifyReply): Promise<void> {
    await this.#send(reply, 'text/css; charset=utf-8', this.#style);
  }

  @Get('favicon.ico')
  @Header('cache-control', 'max-age=86400')
  async icon(@Res() reply: FastifyReply): Promise<void> {
    await reply.status(204).send();
  }

  async #send(reply: FastifyReply, type: string, text: string): Promise<void> {
    await reply
      .header('content-type', type)
      .header('content-security-policy', POLICY)
      .header('x-content-type-options', 'nosniff')
      .header('x-frame-options', 'DENY')
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-resource-policy', 'same-origin')
      .header('cache-control', 'no-store')
      .send(text);
  }
}
