export interface TestRegistry {
  /** Base of the Confluent API. */
  readonly url: string;
  kill(): Promise<void>;
  stop(): Promise<void>;
}
export declare function registryInstalled(): boolean;
export declare function startRegistry(): Promise<TestRegistry>;
