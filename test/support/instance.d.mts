export interface RunningInstance {
  readonly pid: number;
  readonly gateway: string;
  readonly console: string;
  readonly issuer: string | null;
  readonly state: string;
  readonly startMs: number;
  output(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; throws when it does not end with 0. */
  stop(): Promise<void>;
}

export const root: string;
/** Starts the built standalone process as a user would; resolves when it is ready. */
export function startInstance(options: {
  readonly state: string;
  readonly config?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}): Promise<RunningInstance>;
/** Runs `affiant …`; returns stdout, throws when it ends with another code than `expect` (0). */
export function affiant(state: string, args: readonly string[], options?: { readonly expect?: number; readonly input?: string }): string;
export function token(state: string, subject: string, ...groups: readonly string[]): string;
export function sql<T = Record<string, unknown>>(instance: Pick<RunningInstance, 'console'>, bearer: string, query: string): Promise<T[]>;
export function until<T>(what: string, check: () => T | Promise<T>, timeoutMs?: number): Promise<NonNullable<T>>;
