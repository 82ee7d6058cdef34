import { watchConfig, type AffiantConfig } from '#config';
import { toAffiantError, type AffiantError } from '#errors';
import type { EventRecorder } from '#events';
import type { Logger } from '#observability';
import { controlDraft } from './control-draft.js';

export interface FollowOptions {
  readonly file: string;
  /** @throws AffiantError config_invalid, and then nothing has changed. */
  readonly take: (config: AffiantConfig) => Promise<void>;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
}

/** Takes each changed content of the file while a service runs; a bad one is recorded and changes nothing. Returns the stop. */
export function followConfig({ file, take, recorder, logger }: FollowOptions): () => void {
  const refuse = async (error: AffiantError): Promise<void> => {
    logger.error({ where: error.where, reason: error.message }, 'the changed configuration was refused; the one in force stays');
    await recorder.record([controlDraft('config.rejected', { where: error.where ?? '' }, null, 'failure')]);
  };
  const tryTake = async (config: AffiantConfig): Promise<void> => {
    try {
      await take(config);
      logger.info('the changed configuration is in force');
    } catch (error) {
      await refuse(toAffiantError(error, 'config_invalid', 'the changed configuration cannot be used'));
    }
  };
  const inBackground = (work: Promise<void>): void => {
    work.catch((error: unknown) => logger.error({ reason: (error as Error).message }, 'a refused configuration could not be recorded'));
  };
  return watchConfig(
    file,
    (config) => inBackground(tryTake(config)),
    (error) => inBackground(refuse(error)),
  );
}
