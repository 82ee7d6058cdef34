import { loadConfig, type KafkaConfig } from '#config';
import { AffiantError } from '#errors';
import { KafkaTopics, kafkaConnection, readerAcls, resolveKafkaSecrets, topicPlans, type TopicDifference } from '#event-log';
import { printJson, printTable, say } from '../output.js';
import type { AddCommand } from './options.js';

interface ApplyOptions {
  readonly config: string;
  readonly check?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly acl?: string;
  readonly topic: readonly string[];
}

const COLUMNS = ['topic', 'name', 'actual', 'wanted', 'remedy'];
const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export const addTopics: AddCommand = (program, finding) => {
  const topics = program.command('topics').description('The Kafka topics of distributed mode');

  topics
    .command('apply')
    .description('Make the topics, or name how they differ; exit code 1 for a difference that is left')
    .requiredOption('--config <file>', 'configuration file with a kafka section')
    .option('--check', 'only compare; exit code 1 when anything differs')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--acl <principal>', 'only print the commands that let a SIEM read, and nothing else')
    .option('--topic <name>', 'with --acl: a topic to read instead; may be given again', collect, [])
    .option('--json', 'one JSON document on stdout, progress on stderr')
    .action(async (options: ApplyOptions) => {
      const config = await kafkaSection(options.config);
      if (options.acl !== undefined) return printAcls(options, config);
      const left = await apply(options, config);
      if (left) finding();
    });
};

/** @returns whether the command ends with a finding */
async function apply(options: ApplyOptions, config: KafkaConfig): Promise<boolean> {
  const plans = topicPlans(config.topics);
  const kafka = await KafkaTopics.open(kafkaConnection(config, await resolveKafkaSecrets(config)));
  try {
    const only = options.check === true || options.dryRun === true;
    const found = only ? await kafka.compare(plans) : null;
    const { changed, refused } =
      found === null ? await kafka.apply(plans) : { changed: [], refused: found.filter(({ remedy }) => remedy === 'refused') };
    const differences = found ?? [...changed, ...refused];
    report(options, differences, only ? [] : changed, refused);
    return options.check === true ? differences.length > 0 : refused.length > 0;
  } finally {
    await kafka.close();
  }
}

function report(
  { json, check, dryRun }: ApplyOptions,
  differences: readonly TopicDifference[],
  changed: readonly TopicDifference[],
  refused: readonly TopicDifference[],
): void {
  if (json === true) return printJson({ differences, changed, refused });
  if (differences.length === 0) return void process.stdout.write('the topics are as they must be\n');
  printTable(differences as unknown as readonly Record<string, unknown>[], COLUMNS);
  if (check !== true && dryRun !== true) say(`${changed.length} changed, ${refused.length} refused`);
  if (refused.some(({ name }) => name === 'partitions')) {
    say('The number of partitions of a topic is fixed for its life: sources are assigned by it. See docs/reference/topics.md.');
  }
}

function printAcls({ acl, topic, json }: ApplyOptions, { brokers }: KafkaConfig): void {
  const acls = readerAcls(acl as string, brokers, topic.length === 0 ? undefined : topic);
  if (json === true) printJson(acls);
  else process.stdout.write(`${acls.commands.join('\n')}\n`);
}

async function kafkaSection(file: string): Promise<KafkaConfig> {
  const { kafka } = await loadConfig(file);
  if (kafka === undefined) throw new AffiantError('config_invalid', 'the configuration has no kafka section', { where: file });
  return kafka;
}
