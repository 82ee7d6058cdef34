/** What a client needs to connect as administrator; spread it into `new Kafka({ ...connection })`. */
export interface KafkaConnection {
  readonly brokers: string[];
  readonly ssl?: { readonly ca: string };
  readonly sasl?: { readonly mechanism: 'scram-sha-512'; readonly username: string; readonly password: string };
}

export interface TestBroker {
  readonly id: number;
  /** Of the client listener, on 127.0.0.1; the same after a restart. */
  readonly port: number;
  readonly pid: number | undefined;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Again, after a kill; resolves when it serves. */
  start(): Promise<void>;
  /** SIGSTOP. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

export interface TestKafka {
  /** host:port of each broker. */
  readonly bootstrap: string[];
  readonly connection: KafkaConnection;
  readonly brokers: TestBroker[];
  /** With `sasl` only: PEM of the authority of the brokers' certificates, and the super user. */
  readonly ca?: string;
  readonly admin?: { readonly name: string; readonly password: string };
  /** kill -9 of all, removes their directories. */
  stop(): Promise<void>;
}

export interface StartKafkaOptions {
  /** 1 (default) or 3. */
  readonly brokers?: number;
  /**
   * SASL_SSL with SCRAM-SHA-512 for clients, and the StandardAuthorizer: nobody but `admin` may do anything until an ACL says so (`createAcls`
   * of the kafkajs admin; it applies a little after it resolves). `users` exist from the start; they cannot be added later.
   */
  readonly sasl?: { readonly users?: readonly { readonly name: string; readonly password: string }[] };
  /** More broker settings, e.g. `{ 'offset.metadata.max.bytes': 65536 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** Whether Kafka can run here (installs it once); when not, that was said loudly. Use with `describe.skipIf(!kafkaInstalled())`. */
export function kafkaInstalled(): boolean;

/** Starts brokers without auto-created topics; they die with this process. */
export function startKafka(options?: StartKafkaOptions): Promise<TestKafka>;
