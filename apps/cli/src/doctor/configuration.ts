import { resolveSecret, type AffiantConfig, type SecretRef } from '#config';
import { isAffiantError } from '#errors';
import { fail, ok, warn, worst, type Check, type Finding } from './check.js';

interface NamedSecret {
  readonly path: string;
  readonly ref: SecretRef;
}

/** Every secret the configuration names can be read; which is shown, never what it holds. */
export const secretCheck = (config: AffiantConfig): Check => ({
  id: 'config.secrets',
  title: 'Secrets',
  run: async () => {
    const named = [...findSecrets(config)];
    const findings = await Promise.all(named.map(readable));
    return worst(findings, `${named.length} readable`);
  },
});

async function readable({ path, ref }: NamedSecret): Promise<Finding> {
  try {
    await resolveSecret(ref);
    return ok(path);
  } catch (error) {
    const reason = isAffiantError(error) ? `${error.message}${error.where === undefined ? '' : ` (${error.where})`}` : String(error);
    // A variable may be set for the service and not for whoever runs the doctor.
    return 'env' in ref
      ? warn(`${path}: ${reason} here`, 'Set it where the service is started.')
      : fail(`${path}: ${reason}`, 'Create the file, readable by the user of the service.');
  }
}

export function* findSecrets(value: unknown, path = ''): Generator<NamedSecret> {
  if (typeof value !== 'object' || value === null) return;
  if (isSecretRef(value)) {
    yield { path, ref: value };
    return;
  }
  for (const [key, inner] of Object.entries(value))
    yield* findSecrets(inner, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
}

/** `{ env }` or `{ file }` and nothing else: only secrets have that form (libs/config/src/schema.ts). */
function isSecretRef(value: object): value is SecretRef {
  const [key, ...more] = Object.entries(value);
  return more.length === 0 && key !== undefined && (key[0] === 'env' || key[0] === 'file') && typeof key[1] === 'string';
}
