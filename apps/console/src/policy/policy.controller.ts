import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import { CallerGuard, ReadersOnly } from '../access/caller.guard.js';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';

/** `GET /api/v1/policy`: the policy in force. `digest` is the SHA-256 of `text`. */
@Controller('api/v1/policy')
@UseGuards(CallerGuard)
@ReadersOnly()
export class PolicyController {
  constructor(@Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts) {}

  @Get()
  current(): { version: string; digest: string; text: string } {
    const { version, digest, text } = this.ports.policy();
    return { version, digest, text };
  }
}
