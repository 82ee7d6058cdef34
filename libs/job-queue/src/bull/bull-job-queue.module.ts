import { Module, type DynamicModule } from '@nestjs/common';
import type Bull from 'bull';
import { AffiantError } from '#errors';
import type { Logger } from '#observability';
import type { JobQueue } from '../port.js';
import { BullJobQueue } from './bull-job-queue.js';
import { bullQueueOptions, type BullQueueSettings } from './queue-options.js';

/** Token of the JobQueue that BullJobQueueModule provides. */
export const JOB_QUEUE = Symbol('JobQueue');

export interface BullJobQueueModuleOptions extends BullQueueSettings {
  /** Job names this process puts in or works on. */
  readonly names: readonly string[];
  readonly logger: Logger;
}

/** Registers a Bull queue per job name with Nest, which closes them with the application, and provides the JobQueue over them. */
@Module({})
export class BullJobQueueModule {
  static async register(options: BullJobQueueModuleOptions): Promise<DynamicModule> {
    const { names, logger } = options;
    const { BullModule, getQueueToken } = await import('@nestjs/bull');
    const registered = BullModule.registerQueue(...names.map((name) => ({ name, ...bullQueueOptions(options) })));
    return {
      module: BullJobQueueModule,
      imports: [registered],
      providers: [
        {
          provide: JOB_QUEUE,
          inject: names.map((name) => getQueueToken(name)),
          useFactory: (...queues: Bull.Queue[]): JobQueue =>
            new BullJobQueue({
              logger,
              queueOf: (name) => {
                const queue = queues[names.indexOf(name)];
                if (queue === undefined) throw new AffiantError('internal', `no queue is registered for jobs named ${name}`);
                return queue;
              },
            }),
        },
      ],
      exports: [JOB_QUEUE],
    };
  }
}
