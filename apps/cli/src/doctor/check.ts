export type Status = 'ok' | 'warn' | 'fail' | 'skipped';

/** What one check found. A `fail` loses evidence or stops the product; a `warn` will, or makes it hard to operate. */
export interface Finding {
  readonly status: Status;
  readonly detail: string;
  /** What to do; there for every warn and fail. */
  readonly remedy?: string;
  /** The running instance, or an engine, does not answer. */
  readonly unreachable?: boolean;
}

export interface Check {
  /** e.g. `kafka.topics`; stable, scripts may look for it. */
  readonly id: string;
  readonly title: string;
  /** Reads only; changes nothing. What it throws is a fail. */
  run(): Promise<Finding>;
}

export interface CheckResult extends Finding {
  readonly id: string;
  readonly title: string;
}

export const ok = (detail: string): Finding => ({ status: 'ok', detail });
export const skipped = (detail: string): Finding => ({ status: 'skipped', detail });
export const warn = (detail: string, remedy: string): Finding => ({ status: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Finding => ({ status: 'fail', detail, remedy });

const RANK: Readonly<Record<Status, number>> = { skipped: 0, ok: 1, warn: 2, fail: 3 };

/** The worst of several findings, with every detail and remedy that is not ok. */
export function worst(findings: readonly Finding[], whenOk: string): Finding {
  const bad = findings.filter(({ status }) => status === 'warn' || status === 'fail');
  if (bad.length === 0) return ok(whenOk);
  const status = bad.reduce<Status>((now, next) => (RANK[next.status] > RANK[now] ? next.status : now), 'ok');
  return {
    status,
    detail: bad.map(({ detail }) => detail).join('; '),
    remedy: [...new Set(bad.map(({ remedy }) => remedy ?? ''))].filter((text) => text !== '').join(' '),
  };
}
