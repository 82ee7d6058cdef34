import { Instance } from '../instance.js';
import { pipeToStdout } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

export const addEvents: AddCommand = (program) => {
  const events = program.command('events').description('The event topics');

  online(events.command('tail'))
    .description('Print events as NDJSON; each line carries a cursor to resume from')
    .option(
      '--topic <name>',
      'request, decision, response, control, checkpoint, ocsf (every event as OCSF) or a full topic name (default: all Avro topics)',
    )
    .option('--from <cursor>', 'go on after this cursor')
    .option('--follow', 'wait for new events')
    .action(async (options: CommonOptions & { topic?: string; from?: string; follow?: boolean }) => {
      const filter = new URLSearchParams({
        ...(options.topic === undefined ? {} : { topic: options.topic.includes('.') ? options.topic : `affiant.${options.topic}.v1` }),
        ...(options.from === undefined ? {} : { from: options.from }),
        ...(options.follow === true ? { follow: '1' } : {}),
      });
      await pipeToStdout(await (await Instance.connect(options)).send(`/api/v1/events?${filter}`));
    });
};
