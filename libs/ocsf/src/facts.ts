import type { ClassName, Severity } from './classes.js';
import type { OcsfObject } from './ocsf-event.js';

/** How it ended: one of OCSF's two outcomes, or a word of ours. */
export type Status = 'success' | 'failure' | { readonly other: string };

/** What an event type says; `toOcsf` adds what all events have. */
export interface Facts {
  readonly class: ClassName;
  readonly activity: number;
  /** Needed when the activity is OTHER. */
  readonly activityName?: string;
  readonly severity: Severity;
  readonly status: Status;
  readonly statusCode?: string;
  readonly statusDetail?: string;
  readonly message: string;
  /** `metadata.event_code`, e.g. `request`, `decision.approval_granted`, `control.ledger.queried`. */
  readonly eventCode: string;
  readonly profiles?: readonly string[];
  /** Attributes of the class. */
  readonly fields: OcsfObject;
  /** What OCSF has no attribute for. */
  readonly unmapped: OcsfObject;
}
