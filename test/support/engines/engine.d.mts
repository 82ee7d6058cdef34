/** A real server on a free port of 127.0.0.1 with its data in a temporary directory. It dies with the test process. */
export interface TestEngine {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Sends a signal without waiting (SIGSTOP, SIGCONT). */
  signal(name: NodeJS.Signals): void;
  /** SIGKILL; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; resolves when it serves. */
  start(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}
