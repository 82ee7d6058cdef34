import type { SiemConfig } from '#config';
import { ok, warn, type Check, type Finding } from './check.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;
const TITLES = { syslog: 'SIEM over syslog', 'splunk-hec': 'SIEM over Splunk HEC' } as const;

/** The receivers that the SIEM feed pushes to. They are connected to as the feed does, and get no event. The OCSF topic is among the Kafka topics. */
export function siemChecks(config: SiemConfig): Check[] {
  const names = [
    ...(config.syslog === undefined ? [] : (['syslog'] as const)),
    ...(config.splunk_hec === undefined ? [] : (['splunk-hec'] as const)),
  ];
  return names.map((name) => ({ id: `siem.${name}`, title: TITLES[name], run: () => look(config, name) }));
}

async function look(config: SiemConfig, name: keyof typeof TITLES): Promise<Finding> {
  const { siemProbes } = await import('#apps/ledger');
  const { detail, certificateEnds } = await siemProbes(config).get(name)!();
  if (certificateEnds === null) return ok(detail);
  const days = Math.floor((certificateEnds - Date.now()) / DAY_MS);
  if (days >= SOON_DAYS) return ok(`${detail}, certificate for ${days} days`);
  return warn(`${detail}; the receiver's certificate ends in ${days} days`, 'Have it renewed: the feed stops when it ends.');
}
