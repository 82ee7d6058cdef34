export { TypeormApprovalBook } from './approvals/typeorm-approval-book.js';
export { askCatalogue } from './ask.js';
export { openCatalogue, type CatalogueLocation } from './data-source.js';
export { TypeormPacketCatalogue } from './packets/typeorm-packet-catalogue.js';
export type * from './port.js';
