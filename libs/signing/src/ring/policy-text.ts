import type { RingKey } from './ring-file.js';

/**
 * Trust policy of a log (C2SP tlog-policy) for whoever verifies, with the reasons as comments. To be handed over on another way than
 * what it is to verify. Witnesses are added by whoever trusts them.
 */
export function policyText(name: string, keys: readonly RingKey[]): string {
  const lines = [`# Keys of the log ${name}, oldest first.`];
  for (const { vkey, state, since, until, overlap_until: overlap } of keys) {
    const span = `signs since ${since}${until === null ? '' : `, ended ${until}`}${overlap === null ? '' : `, is being replaced, until ${overlap} at least`}`;
    lines.push('', `# ${state}: ${span}.`);
    if (state === 'retired') lines.push(`# Trust it for checkpoints up to the last one it signed; later ones are not by this log.`);
    if (state === 'compromised') {
      lines.push(
        '# COMPROMISED: its signature alone proves nothing. Trust only checkpoints that a witness had cosigned, or an authority stamped, before then.',
        `# log ${vkey}`,
      );
    } else lines.push(`log ${vkey}`);
  }
  return `${lines.join('\n')}\n\nquorum none\n`;
}
