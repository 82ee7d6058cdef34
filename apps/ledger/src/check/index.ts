export { checkRows, type LedgerRows, type RowsReport } from './check-rows.js';
export { ROW_QUERIES, type ReadRow } from './row-columns.js';
