/** Topics of design.md §4, in the order of the data flow. */
export const TOPICS = {
  request: 'affiant.request.v1',
  decision: 'affiant.decision.v1',
  response: 'affiant.response.v1',
  control: 'affiant.control.v1',
  checkpoint: 'affiant.checkpoint.v1',
  deadLetter: 'affiant.dead-letter.v1',
} as const;

export type Topic = (typeof TOPICS)[keyof typeof TOPICS];

export const ALL_TOPICS: readonly Topic[] = Object.values(TOPICS);

/** Topics whose events become leaves of the tree; a checkpoint acknowledges leaves and is none itself. */
export const LEDGER_TOPICS: readonly Topic[] = ALL_TOPICS.filter((topic) => topic !== TOPICS.checkpoint);
