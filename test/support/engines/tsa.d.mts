export interface TestTsa {
  readonly url: string;
  /** PEM of its root, as a file and as text. */
  readonly rootFile: string;
  readonly rootPem: string;
  readonly certificateFile: string;
  /** Requests that openssl has answered. */
  readonly asked: number;
  /** `answer(query, good)` gives {status, body}, or null to break the connection off; null = as it should be. */
  behave(answer: ((query: Buffer, good: () => Promise<Buffer>) => TestTsaAnswer | null | Promise<TestTsaAnswer | null>) | null): void;
  stop(): Promise<void>;
}

export interface TestTsaAnswer {
  readonly status?: number;
  readonly body?: Buffer | string;
}

export interface TestTsaOptions {
  /** Common name of its certificate. */
  readonly name?: string;
  /** extendedKeyUsage of its certificate; default `critical,timeStamping`, empty = none. */
  readonly usage?: string;
  /** Validity of its certificates, from now. */
  readonly days?: number;
  /** A CA between root and authority, sent along with each stamp. */
  readonly intermediate?: boolean;
  /** Of its signature; default sha256. */
  readonly digest?: string;
  /** What `openssl req -newkey` is to make of its certificates; default EC P-256. */
  readonly key?: readonly string[];
}

/** False, said loudly, when there is no openssl (with CI=true: throws). */
export function hasTsa(): boolean;
export function startTsa(options?: TestTsaOptions): Promise<TestTsa>;
