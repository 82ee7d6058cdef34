export type * from './port.js';
export { TableJobQueue, type TableJobQueueOptions } from './table/table-job-queue.js';
