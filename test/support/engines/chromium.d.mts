export interface Tab {
  evaluate<T>(expression: string): Promise<T>;
  /** Chooses files, or one directory, in a file input. */
  choose(selector: string, files: readonly string[]): Promise<void>;
}

/** Null when there is no browser and none can be installed. `requests` holds every address that any tab has asked for. */
export function startChromium(): Promise<{
  open(url: string): Promise<Tab>;
  readonly requests: readonly string[];
  stop(): Promise<void>;
} | null>;
