import { AffiantError } from '#errors';
import { TOPICS } from '#events';
import { OCSF_TOPIC } from '#ocsf';

export interface ReaderAcls {
  /** `User:name`. */
  readonly principal: string;
  readonly topics: readonly string[];
  /** Names of the reader's groups begin so. */
  readonly groupPrefix: string;
  /** Command lines of Kafka's own tool. */
  readonly commands: readonly string[];
}

/**
 * What a SIEM must be granted to read, and nothing else: the OCSF facts, and the checkpoints that say how far they are sealed.
 * @throws AffiantError usage_invalid
 */
export function readerAcls(
  principal: string,
  bootstrap: readonly string[],
  topics: readonly string[] = [OCSF_TOPIC, TOPICS.checkpoint],
): ReaderAcls {
  const name = principal.replace(/^User:/, '');
  if (!/^[\w.@=, -]{1,200}$/.test(name)) {
    throw new AffiantError('usage_invalid', 'the principal is not a name Kafka can have', { remedy: 'Give User:<name>.' });
  }
  const groupPrefix = `${name.replaceAll(/[^\w.-]/g, '-')}.`;
  const base = `kafka-acls.sh --bootstrap-server ${bootstrap.join(',')} --command-config admin.properties --add --allow-principal '${`User:${name}`}'`;
  return {
    principal: `User:${name}`,
    topics,
    groupPrefix,
    commands: [
      ...topics.map((topic) => `${base} --operation Read --topic ${topic}`),
      `${base} --operation Read --group ${groupPrefix} --resource-pattern-type prefixed`,
    ],
  };
}
