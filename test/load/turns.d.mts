import type { TurnFigures } from '../support/turn-meter.d.mts';

export interface WatchedGateway {
  watch<T>(work: () => Promise<T>): Promise<TurnFigures & { readonly result: T }>;
  call(bytes: Buffer, session?: string): Promise<{ readonly status: number; readonly length: number; readonly head: string }>;
  stop(): void;
}

export interface TurnCase {
  readonly name: string;
  readonly sight: string;
  readonly statuses: readonly number[];
  bytes(run: number): Buffer;
  session(run: number): string;
}

export interface LongestTurn extends TurnFigures {
  readonly name: string;
  readonly sight: string;
  readonly status: number;
  readonly medianCpuMs: number;
  readonly worstCpuMs: number;
}

export function startWatched(options?: { readonly profile?: boolean; readonly execArgv?: readonly string[] }): Promise<WatchedGateway>;
export function warm(watched: WatchedGateway): Promise<void>;
export function cases(): readonly TurnCase[];
export function measure(watched: WatchedGateway, one: TurnCase, runs: number): Promise<LongestTurn>;
