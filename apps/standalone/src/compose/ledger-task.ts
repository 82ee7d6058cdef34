import type { Watermarks } from '#journal';
import type { SiemConfig, TimestampsConfig, WitnessesConfig } from '#config';
import type { ErrorCode } from '#errors';
import type { LogKeysConfig } from '#service';
import type { AnchorHealth, LedgerHealth, SinkHealth, StampHealth } from '#apps/ledger';

/** Sources of this process: one journal each, one writer each. */
export const SOURCES = { gateway: 'gateway', ledger: 'ledger' } as const;

/** What the ledger's worker thread is started with; plain data only. */
export interface LedgerTask {
  readonly stateDirectory: string;
  readonly journalKey: Uint8Array;
  readonly watermarks: Watermarks;
  readonly engine: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly user: string;
    readonly password: string;
  };
  /** Secrets by reference only: the worker looks them up itself. */
  readonly keys: LogKeysConfig;
  readonly checkpointInterval: number;
  readonly abortAfter: number;
  readonly siem: SiemConfig;
  readonly timestamps: TimestampsConfig;
  readonly witnesses: WitnessesConfig;
  readonly segmentBytes: number;
  readonly highWaterBytes: number;
  readonly logLevel: string;
}

/** Keys of these ids, asked for by the worker: the catalogue is the main thread's. */
export interface KeysWanted {
  readonly id: number;
  readonly keys: readonly string[];
}

/** Null for a key that was destroyed. */
export type KeysGiven = { readonly id: number } & (
  | { readonly keys: readonly (readonly [string, Uint8Array | null])[] }
  | { readonly failed: { readonly code: ErrorCode; readonly message: string } }
);

/** Worker to main thread. */
export type LedgerReport =
  | { readonly wanted: KeysWanted }
  | { readonly ready: true }
  | {
      readonly health: LedgerHealth;
      readonly siem: readonly SinkHealth[];
      readonly anchor: AnchorHealth;
      readonly stamps: StampHealth;
    }
  | { readonly stopped: true };

/** Main thread to worker. */
export type LedgerOrder = { readonly stop: true } | { readonly given: KeysGiven };
