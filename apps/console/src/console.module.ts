import { Inject, Module, type DynamicModule, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { ApiErrorFilter } from './access/api-error.filter.js';
import { CallerGuard } from './access/caller.guard.js';
import { ApprovalsController } from './approvals/approvals.controller.js';
import { EventsController } from './events/events.controller.js';
import { ExchangesController } from './exchanges/exchanges.controller.js';
import { ErasuresController } from './erasures/erasures.controller.js';
import { HoldsController, RetentionController } from './holds/holds.controller.js';
import { EngineClient } from './ledger/engine-client.js';
import { LedgerReader } from './ledger/ledger-reader.js';
import { PacketsController } from './packets/packets.controller.js';
import { PageController } from './page/page.controller.js';
import { VerifierController } from './page/verifier.controller.js';
import { PolicyController } from './policy/policy.controller.js';
import { CONSOLE_PORTS, type ConsolePorts } from './ports.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { attachSqlEndpoint } from './sql/attach.js';
import { SqlEndpoint } from './sql/sql-endpoint.js';
import { UnsealingsController } from './unsealings/unsealings.controller.js';
import { ProbesController, StatusController } from './status/status.controller.js';

/** The console: API, SQL endpoint and page, on a Fastify application made with `createConsoleAdapter()`. */
@Module({})
export class ConsoleModule implements OnModuleInit, OnModuleDestroy {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost<FastifyAdapter>,
    @Inject(SqlEndpoint) private readonly sql: SqlEndpoint,
    @Inject(EngineClient) private readonly engine: EngineClient,
  ) {}

  static register(ports: ConsolePorts): DynamicModule {
    const engine = new EngineClient(ports.engine, ports.limits.executionTime);
    return {
      module: ConsoleModule,
      controllers: [
        ProbesController,
        StatusController,
        ExchangesController,
        SessionsController,
        ApprovalsController,
        PacketsController,
        EventsController,
        ErasuresController,
        HoldsController,
        RetentionController,
        UnsealingsController,
        PolicyController,
        PageController,
        VerifierController,
      ],
      providers: [
        { provide: CONSOLE_PORTS, useValue: ports },
        { provide: EngineClient, useValue: engine },
        { provide: LedgerReader, useValue: new LedgerReader(ports, engine) },
        { provide: SqlEndpoint, useValue: new SqlEndpoint(ports, engine) },
        { provide: APP_FILTER, useClass: ApiErrorFilter },
        CallerGuard,
      ],
    };
  }

  onModuleInit(): void {
    attachSqlEndpoint(this.host.httpAdapter.getInstance() as unknown as FastifyInstance, this.sql);
  }

  async onModuleDestroy(): Promise<void> {
    await this.engine.close();
  }
}
