import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { packageRoot } from '#config';

const BEGIN = '/* affiant-verify.mjs: begin */\n';
const file = (name: string): string => readFileSync(join(packageRoot, 'ops/verify', name), 'utf8');

/** The page holds its program inline, because it must work as one saved file; nothing of it may reach a network. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The verifiers for whoever was given a packet: without a token, for they hold nothing and ask for nothing. */
@Controller('verify')
export class VerifierController {
  readonly #script = file('affiant-verify.mjs');
  readonly #page = compose(file('page.html'), this.#script);

  @Get('affiant-verify.mjs')
  async script(@Res() reply: FastifyReply): Promise<void> {
    await send(reply, 'text/javascript; charset=utf-8', this.#script);
  }

  @Get('affiant-verify.html')
  async page(@Res() reply: FastifyReply): Promise<void> {
    await send(reply, 'text/html; charset=utf-8', this.#page);
  }
}

/** As ops/verify/build-page.mjs does it. */
function compose(page: string, script: string): string {
  const at = page.indexOf(BEGIN) + BEGIN.length;
  return page.slice(0, at) + script.replace(/^#!.*\n/, '') + page.slice(at);
}

async function send(reply: FastifyReply, type: string, text: string): Promise<void> {
  await reply
    .header('content-type', type)
    .header('content-security-policy', POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('x-frame-options', 'DENY')
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('cache-control', 'no-store')
    .send(text);
}
