export interface RsyslogOptions {
  /** PEM; a TLS listener for RFC 5425. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly kafka?: {
    readonly bootstrap: readonly string[];
    readonly topics: readonly string[];
    readonly group: string;
    /** Settings of librdkafka. */
    readonly config?: Readonly<Record<string, string>>;
    /** PEM of the brokers' authority. */
    readonly ca?: string;
  };
}
export interface TestRsyslog {
  readonly port: number;
  messages(): string[];
  errors(): string;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}
export declare function hasRsyslog(modules?: readonly ('imkafka' | 'lmnsd_ossl')[]): boolean;
export declare function startRsyslog(options?: RsyslogOptions): Promise<TestRsyslog>;
