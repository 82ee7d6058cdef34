import type { EngineAccess } from '../port.js';

interface Login {
  readonly user: string;
  readonly password: string;
}

/** The section `clickhouse` of the configuration, secrets resolved. */
export interface ServerLogins {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly auditor: Login;
  readonly examiner: Login;
  readonly evidence: Login;
}

/** How the SQL endpoint and the evidence queries reach a ClickHouse server. */
export function serverEngineAccess({ url, headers = {}, auditor, examiner, evidence }: ServerLogins): EngineAccess {
  return { url: url.replace(/\/+$/, ''), headers, readers: { auditor, examiner, evidence } };
}
