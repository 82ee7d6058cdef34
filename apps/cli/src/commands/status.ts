import { Instance } from '../instance.js';
import { printFields, printJson } from '../output.js';
import { online, type AddCommand, type CommonOptions } from './options.js';

export const addStatus: AddCommand = (program, finding) => {
  online(program.command('status'))
    .description('Health of the running instance; exit code 1 when it is not well')
    .action(async (options: CommonOptions) => {
      const instance = await Instance.connect(options);
      const status = await instance.get<Record<string, unknown>>('/api/v1/status');
      const whole = {
        ...status,
        addresses: { gateway: instance.run.gateway ?? null, console: instance.run.console, issuer: instance.run.issuer },
        ...(instance.run.demo === undefined ? {} : { demo: instance.run.demo }),
      };
      if (options.json === true) printJson(whole);
      else printFields(whole);
      if (status['state'] !== undefined && status['state'] !== 'ok') finding();
    });
};
