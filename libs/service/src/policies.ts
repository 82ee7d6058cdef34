import { readFileIfPresent, writeFileDurably } from '#durable';
import { compilePolicySet, type PolicySet } from '#policy';
import type { AffiantConfig } from '#config';

/**
 * The policies in force. A version is a number that grows when the digest changes, also over restarts.
 * A crash between the write of the number and its first use skips a number, which harms nobody.
 */
export class ReloadingPolicies {
  readonly #listeners = new Set<(set: PolicySet) => void>();

  private constructor(
    private readonly path: string,
    private set: PolicySet,
  ) {}

  /** @throws AffiantError config_invalid */
  static async open(path: string, config: AffiantConfig): Promise<ReloadingPolicies> {
    return new ReloadingPolicies(path, await numbered(path, config));
  }

  current(): PolicySet {
    return this.set;
  }

  onChange(listener: (set: PolicySet) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws AffiantError config_invalid, and then nothing has changed. */
  async reload(config: AffiantConfig): Promise<void> {
    const next = await numbered(this.path, config);
    if (next.digest === this.set.digest) return;
    this.set = next;
    for (const listener of this.#listeners) listener(next);
  }
}

async function numbered(path: string, config: AffiantConfig): Promise<PolicySet> {
  const stored = await readFileIfPresent(path);
  const last = stored === null ? { version: 0, digest: '' } : (JSON.parse(stored.toString('utf8')) as { version: number; digest: string });
  const { digest } = compilePolicySet(config, '0');
  if (digest === last.digest) return compilePolicySet(config, String(last.version));
  const version = last.version + 1;
  await writeFileDurably(path, `${JSON.stringify({ version, digest })}\n`);
  return compilePolicySet(config, String(version));
}
