export {
  checkContent,
  contentReport,
  type ContentCheck,
  type ContentCheckOptions,
  type ContentCheckPorts,
  type ContentFinding,
  type ContentRange,
  type ContentReport,
  type ContentWork,
} from './content/index.js';
export { checkRows, type LedgerRows, type RowsReport } from './check-rows.js';
export { ROW_QUERIES, type ReadRow } from './row-columns.js';
