import avsc from 'avsc';
import { AffiantError } from '#errors';

/**
 * FULL_TRANSITIVE: each of two versions can read what the other wrote, for every pair of the versions of one event type.
 * @throws AffiantError event_invalid that names the pair and the reason.
 */
export function checkCompatibility(name: string, versions: readonly object[]): void {
  const types = versions.map((schema) => avsc.Type.forSchema(schema as avsc.Schema));
  for (const [writerIndex, writer] of types.entries()) {
    for (const [readerIndex, reader] of types.entries()) {
      try {
        reader.createResolver(writer);
      } catch (cause) {
        throw new AffiantError('event_invalid', `${name}: version ${readerIndex + 1} cannot read what version ${writerIndex + 1} wrote`, {
          cause,
          remedy: 'Only add fields that have a default; never rename, retype or remove one without a default.',
        });
      }
    }
  }
}
