export { TypeormApprovalBook } from './approvals/typeorm-approval-book.js';
export { askCatalogue } from './ask.js';
export { openCatalogue, type CatalogueLocation } from './data-source.js';
export { TypeormPacketCatalogue } from './packets/typeorm-packet-catalogue.js';
export type * from './port.js';
export { type FindFile } from './rebuild/fold-packets.js';
export { type Unfinished } from './rebuild/fold-approvals.js';
export { catalogueEvents } from './rebuild/ledger-events.js';
export { rebuildCatalogue, type RebuildOptions, type Rebuilt } from './rebuild/rebuild-catalogue.js';
