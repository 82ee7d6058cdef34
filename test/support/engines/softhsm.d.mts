export interface SoftHsm {
  readonly module: string;
  readonly token: string;
  readonly label: string;
  readonly pin: string;
  /** For the variable SOFTHSM2_CONF. */
  readonly config: string;
  makeKey(label: string): void;
  stop(): void;
}
export function haveSoftHsm(): boolean;
export function startSoftHsm(): SoftHsm;
