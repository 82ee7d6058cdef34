import type { RunningInstance } from '../support/instance.mjs';

/** RFC 6962 §2.1 over leaf hashes. */
export function root(hashes: readonly Buffer[]): Buffer;
/** Recomputes the root from the raw events of the ledger and compares it with the last signed checkpoint. */
export function checkTree(
  instance: RunningInstance,
  auditor: string,
  state: string,
): Promise<{ readonly ok: boolean; readonly leaves: number; readonly detail: string }>;
