export interface TestRegistry {
  /** Base of the Confluent API. */
  readonly url: string;
  readonly pid: number;
  kill(): Promise<void>;
  /** After `kill`: empty again, on the same port. */
  start(): Promise<unknown>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}
export declare function registryInstalled(): boolean;
export declare function startRegistry(): Promise<TestRegistry>;
