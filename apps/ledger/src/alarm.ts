import { isAffiantError } from '#errors';
import { SYSTEM_CONTEXT, type NameValue } from '#events';
import type { LedgerPorts } from './ports.js';

export type Stage = 'ingest' | 'sequence';

/** Stops the ledger for good when what is stored contradicts what should be: nothing is signed over a contradiction. */
export class Alarm {
  #halted: string | null = null;

  constructor(private readonly ports: Pick<LedgerPorts, 'recorder' | 'logger'>) {}

  /** Why it halted; null while all is well. */
  get halted(): string | null {
    return this.#halted;
  }

  /** Records `checkpoint.halted` once; after a restart that finds the same contradiction, once more. Never throws. */
  async raise(stage: Stage, error: unknown): Promise<void> {
    if (this.#halted !== null) return;
    const code = isAffiantError(error) ? error.code : 'internal';
    const where = isAffiantError(error) ? error.where : undefined;
    const message = error instanceof Error ? error.message : String(error);
    this.#halted = `${stage}: ${message}${where === undefined ? '' : ` (${where})`}`;
    this.ports.logger.fatal({ stage, code, where, reason: message }, 'the ledger halted');
    const attributes: NameValue[] = [
      { name: 'stage', value: stage },
      { name: 'code', value: code },
    ];
    if (where !== undefined) attributes.push({ name: 'where', value: where });
    try {
      await this.ports.recorder.record([
        {
          context: SYSTEM_CONTEXT,
          type: 'control',
          event: { kind: 'checkpoint.halted', outcome: 'failure', subject: this.ports.recorder.sourceId, attributes, detail: message },
        },
      ]);
    } catch (cause) {
      this.ports.logger.error({ reason: String(cause) }, 'the alarm could not be recorded');
    }
  }
}
