import type { KafkaConfig } from '#config';
import { kafkaConnection, KafkaEventLog, KafkaSender, resolveKafkaSecrets, type KafkaConnection } from '#event-log';
import type { Logger } from '#observability';

/** The clients of one process, closed together. */
export class KafkaClients {
  readonly #logs: KafkaEventLog[] = [];
  readonly sender: KafkaSender;

  private constructor(
    readonly connection: KafkaConnection,
    private readonly logger: Logger,
  ) {
    this.sender = new KafkaSender({ connection, report: this.#report });
  }

  /** Connects to nothing yet. @throws AffiantError config_secret_missing */
  static async open(config: KafkaConfig, clientId: string, logger: Logger): Promise<KafkaClients> {
    const connection = kafkaConnection(config, await resolveKafkaSecrets(config));
    return new KafkaClients({ ...connection, clientId }, logger);
  }

  /** An event log to follow; its fetches wait at the brokers for `maxWaitMs`. Brokers that are away are waited for, however long. */
  eventLog(maxWaitMs: number): KafkaEventLog {
    const log = new KafkaEventLog({ connection: this.connection, patienceMs: Infinity, maxWaitMs, report: this.#report });
    this.#logs.push(log);
    return log;
  }

  async close(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.close()));
    await this.sender.close();
  }

  readonly #report = (message: string): void => this.logger.debug({ message }, 'kafka');
}
