/** One turn of the event loop, milliseconds. */
export interface Turn {
  readonly cpu: number;
  readonly wall: number;
  /** Of `cpu`, what the collector took. */
  readonly gc: number;
  readonly gcKinds: string;
}

/** Milliseconds, over the turns between `beginTurns` and `endTurns`. */
export interface TurnFigures {
  readonly turns: number;
  readonly cpuMs: number;
  readonly cpuWithoutGcMs: number;
  readonly wallMs: number;
  readonly gcMs: number;
  readonly longest: readonly Turn[];
}

export function beginTurns(): void;
export function endTurns(): Promise<TurnFigures>;
