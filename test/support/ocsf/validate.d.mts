export interface OcsfFindings {
  readonly events: number;
  /** Events with at least one problem. */
  readonly invalid: number;
  /** Events per class, e.g. `6003 API Activity`. */
  readonly classes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}
export declare function ocsfValidator(): ((lines: readonly string[]) => OcsfFindings) | null;
