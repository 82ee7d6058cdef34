import type { Section } from '../blocks.js';
import {
  certificateAppendix,
  crosswalkAppendix,
  exhibitAppendix,
  findingsSection,
  glossaryAppendix,
  queryAppendix,
  signOffSection,
} from './closing.js';
import type { Context } from './context.js';
import { approvalsSection, changeSection, controlSections, dataSection } from './controls.js';
import { contentsSection, coverSection, readingGuideSection, scopeSection, summarySection } from './front.js';
import { coverageSection, gatesSection } from './integrity.js';
import { metricsSection } from './metrics.js';

/** The packet in the order an examiner reads it (docs/reference/packet.md). */
export function composePacket(context: Context): Section[] {
  return [
    coverSection(context),
    contentsSection(),
    readingGuideSection(context),
    summarySection(context),
    scopeSection(context),
    gatesSection(context),
    coverageSection(context),
    metricsSection(context),
    ...controlSections(context),
    approvalsSection(context),
    dataSection(context),
    changeSection(context),
    findingsSection(context),
    signOffSection(),
    queryAppendix(context),
    exhibitAppendix(context),
    crosswalkAppendix(),
    glossaryAppendix(context),
    certificateAppendix(context),
  ];
}
