import { Module, type DynamicModule } from '@nestjs/common';
import { Gateway, PROXY_OPTIONS } from './gateway.js';
import type { ProxyOptions } from './ports.js';

/** The gateway as a Nest module. It listens when the application boots and drains when it shuts down. */
@Module({})
export class ProxyModule {
  static register(options: ProxyOptions): DynamicModule {
    return {
      module: ProxyModule,
      providers: [{ provide: PROXY_OPTIONS, useValue: options }, Gateway],
      exports: [Gateway],
    };
  }
}
