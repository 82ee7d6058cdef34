/** What scripts read to find a running instance. */
export interface RunFile {
  readonly pid: number;
  readonly gateway: string;
  readonly console: string;
  readonly issuer: string | null;
  readonly demo: 'off' | 'running' | 'passed' | 'failed';
  readonly packets: readonly string[];
}
