import { isIPv6 } from 'node:net';
import type { Clock } from '#events';
import { BoundedMap } from './bounded-map.js';

interface Window {
  readonly startedMs: number;
  failures: number;
}

export interface ThrottleOptions {
  /** Failures an address may have within one window before its further failures are answered with auth_throttled. */
  readonly failures: number;
  readonly windowMs: number;
  /** Addresses remembered; the least recently seen is forgotten first. */
  readonly addresses: number;
}

/** Counts failed authentications per remote address (IPv6: per /64). A valid token is never looked at here, so it is never slowed. */
export class FailureThrottle {
  readonly #windows: BoundedMap<string, Window>;

  constructor(
    private readonly clock: Clock,
    private readonly options: ThrottleOptions,
  ) {
    this.#windows = new BoundedMap(options.addresses);
  }

  /** Counts one failure; true when the address has used up its window. */
  fail(address: string): boolean {
    const key = networkOf(address);
    const now = this.clock.nowMs();
    let window = this.#windows.get(key);
    if (window === undefined || now - window.startedMs >= this.options.windowMs) {
      window = { startedMs: now, failures: 0 };
      this.#windows.set(key, window);
    }
    window.failures += 1;
    return window.failures > this.options.failures;
  }
}

/** An IPv4 address as it is, an IPv6 address as its /64: one host owns that many addresses. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const bare = address.split('%')[0] ?? address;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
