import type { ContentCheck, ContentRange } from './port.js';

/** The words of a check: what was found, what that proves, and what it leaves open. */
export interface ContentReport extends ContentCheck {
  readonly ok: boolean;
  readonly what: 'content';
  readonly statement: string;
  readonly proves: readonly string[];
  readonly does_not_prove: readonly string[];
  readonly notes: readonly string[];
}

/** `ok` is false for a finding, and where anything could not be compared. */
export function contentReport(check: ContentCheck, range: ContentRange): ContentReport {
  const { finding_count, unchecked_count, sealed_events, segments, erased_events, unreadable, under_way } = check;
  const isWhole = range.from === undefined && range.to === undefined;
  const compared = sealed_events - erased_events - unchecked_count;
  const wrong = finding_count === 0 ? '' : `${finding_count} things are not as they must be. `;
  const open = unchecked_count === 0 ? '' : `${unchecked_count} events could not be compared, because their key cannot be had. `;
  const read = `${check.events} events read, ${sealed_events} of them carry ${segments} sealed segments; ${check.rows} rows of ledger.content.`;
  const ok = finding_count === 0 && unchecked_count === 0;
  const proves = [
    `The text in ledger.content of ${compared} events is what their sealed segments open to, in every column, one row each.`,
    ...(erased_events === 0 ? [] : [`Of ${erased_events} events whose key was destroyed no text is there.`]),
    ...(isWhole ? ['No row of ledger.content is without its event.'] : []),
  ];
  return {
    ...check,
    ok,
    what: 'content',
    statement: `${wrong}${open}${read}`,
    proves: ok ? proves : [],
    does_not_prove: [
      'That the events are those that were recorded, and all of them: their bytes are taken as ledger.events has them. `affiant verify TILES --policy FILE --events instance` checks that, and is the other half of this.',
      'That what was sealed is what was said: the gateway sealed it, and only its own word tells. Who has the content keys could seal anew; the digest in the event, and so its leaf, would be another.',
      'That the engine gives others the answers it gave this check.',
      ...(isWhole ? [] : ['Anything outside the range, and that no row is without its event: check the whole for it.']),
    ],
    notes: [
      ...(unreadable === 0
        ? []
        : [`${unreadable} segments do not open with their key, and stand as [unreadable]: they were so when they were taken in.`]),
      ...(under_way === 0
        ? []
        : [`${under_way} rows belong to an ingest, an erasure or a drop that has begun and not ended; look again when it has.`]),
    ],
  };
}
