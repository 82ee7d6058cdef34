import { Inject, Injectable, SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AffiantError } from '#errors';
import type { Credential } from '#identity';
import { CONSOLE_PORTS, type ConsolePorts } from '../ports.js';
import { callerOf } from './caller-of.js';
import { readerOf, type Reader } from './roles.js';

/** Who calls the API, as verified by the guard. */
export interface Caller {
  readonly credential: Credential;
  /** Null: may not read the ledger. */
  readonly reader: Reader | null;
}

const READERS_ONLY = 'affiant:readers-only';

/** Only members of the auditors and examiners groups may call. */
export const ReadersOnly = (): CustomDecorator => SetMetadata(READERS_ONLY, true);

const callers = new WeakMap<object, Caller>();

/** The caller of a request that has passed the guard. */
export function callerOfRequest(request: FastifyRequest): Caller {
  const caller = callers.get(request.raw);
  if (caller === undefined) throw new AffiantError('internal', 'the request has not been identified');
  return caller;
}

/** The caller as a reader of the ledger; the guard has made sure of it where `ReadersOnly` stands. */
export function readerOfRequest(request: FastifyRequest): Caller & { readonly reader: Reader } {
  const caller = callerOfRequest(request);
  if (caller.reader === null) throw notAReader();
  return { ...caller, reader: caller.reader };
}

/** Every call of the API names a principal (promise 6 of the design). */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    @Inject(CONSOLE_PORTS) private readonly ports: ConsolePorts,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const credential = await callerOf(this.ports, request.raw);
    const reader = readerOf(credential.principal, this.ports.roles);
    const readersOnly = this.reflector.getAllAndOverride<boolean | undefined>(READERS_ONLY, [context.getHandler(), context.getClass()]);
    if (readersOnly === true && reader === null) throw notAReader();
    callers.set(request.raw, { credential, reader });
    return true;
  }
}

function notAReader(): AffiantError {
  return new AffiantError('query_refused', 'none of your groups may read the ledger', {
    remedy: 'Ask for membership of a group in ledger.auditors or ledger.examiners.',
  });
}
