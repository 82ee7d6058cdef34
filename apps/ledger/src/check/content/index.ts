export { checkContent, type ContentCheckOptions } from './check-content.js';
export { contentReport, type ContentReport } from './content-report.js';
export type { ContentCheck, ContentCheckPorts, ContentFinding, ContentRange, ContentWork, UncheckedContent } from './port.js';
