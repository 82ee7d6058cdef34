import { loadConfig, resolveSecret, type SchemaRegistryConfig } from '#config';
import { AffiantError } from '#errors';
import { applySchemas, checkSchemas, isGood, loadSchemaVersions, SchemaRegistry, type SchemaFinding } from '#events';
import { printJson, printTable, say } from '../output.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

type Options = CommonOptions & { readonly config: string };

export const addSchemas: AddCommand = (program, finding) => {
  const schemas = program.command('schemas').description('The Avro schemas in a Confluent-compatible registry');

  const add = (name: string, description: string, work: typeof checkSchemas): void => {
    common(schemas.command(name))
      .description(description)
      .requiredOption('--config <file>', 'configuration with a schema_registry section')
      .action(async (options: Options) => {
        const findings = await work(await openRegistry(options.config), loadSchemaVersions());
        if (options.json === true) printJson({ schemas: findings });
        else report(findings);
        if (!findings.every(isGood)) finding();
      });
  };
  add('apply', 'Register what is missing, under the ids of the wire framing', applySchemas);
  add('check', 'Compare the registry with the bundled schemas; exit code 1 when a reader would not find them', checkSchemas);
};

async function openRegistry(file: string): Promise<SchemaRegistry> {
  const config: SchemaRegistryConfig | undefined = (await loadConfig(file)).schema_registry;
  if (config === undefined)
    throw new AffiantError('usage_invalid', 'the configuration names no schema registry', {
      where: file,
      remedy: 'Add schema_registry.url.',
    });
  const { url, login } = config;
  if (login === undefined) return new SchemaRegistry({ url });
  return new SchemaRegistry({ url, login: { user: login.user, password: await resolveSecret(login.password) } });
}

function report(findings: readonly SchemaFinding[]): void {
  printTable(
    findings.map((each) => ({ ...each })),
    ['id', 'subject', 'state', 'detail'],
  );
  if (findings.some(({ state }) => state === 'other_id' || state === 'id_taken'))
    say(
      'The ids of the wire framing are fixed. Use a registry (or a context of one) of its own, or one with import mode: docs/guide/connect-a-siem.md',
    );
}
