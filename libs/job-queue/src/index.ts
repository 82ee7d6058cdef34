export { BullJobQueue, type BullJobQueueOptions } from './bull/bull-job-queue.js';
export { BullJobQueueModule, JOB_QUEUE, type BullJobQueueModuleOptions } from './bull/bull-job-queue.module.js';
export { type BullQueueSettings } from './bull/queue-options.js';
export type * from './port.js';
export { TableJobQueue, type TableJobQueueOptions } from './table/table-job-queue.js';
