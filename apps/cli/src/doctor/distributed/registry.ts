import { resolveSecret, type SchemaRegistryConfig } from '#config';
import { ok, warn, type Check, type Finding } from '../check.js';

/** The schema registry is for readers: events are written with bundled schemas whether it answers or not. So it only ever warns. */
export const registryCheck = (config: SchemaRegistryConfig): Check => ({
  id: 'schema-registry',
  title: 'Schema registry',
  run: () => look(config),
});

async function look({ url, login }: SchemaRegistryConfig): Promise<Finding> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (login !== undefined)
    headers['authorization'] = `Basic ${Buffer.from(`${login.user}:${await resolveSecret(login.password)}`).toString('base64')}`;
  let response: Response;
  try {
    response = await fetch(`${url.replace(/\/$/, '')}/subjects`, { headers, signal: AbortSignal.timeout(5_000) });
  } catch (error) {
    return warn(
      `it does not answer (${(error as Error).message})`,
      'Readers that decode by schema id need it; the events themselves do not.',
    );
  }
  if (!response.ok) return warn(`it answers ${response.status}`, 'Check schema_registry.url (with its path) and its login.');
  const subjects = (await response.json()) as string[];
  const ours = subjects.filter((name) => name.startsWith('affiant.'));
  if (ours.length === 0) return warn('it knows none of our schemas', 'Run `affiant schemas apply --config FILE`.');
  return ok(`${ours.length} subjects`);
}
