import { AffiantError } from '#errors';
import type { ConnectionConfig } from '#config';
import type { Protocol } from '../protocols/protocol.js';

/** The connections in force, by name. A reload hands in a new list; calls under way keep the connection they began with. */
export class Connections {
  #seen: readonly ConnectionConfig[] = [];
  #byName = new Map<string, ConnectionConfig>();

  constructor(
    readonly current: () => readonly ConnectionConfig[],
    readonly protocols: readonly Protocol[],
    readonly onChange: (connections: readonly ConnectionConfig[]) => void,
  ) {}

  /**
   * By name; a bare path means the only connection, else the one named `default`, else the first configured.
   * @throws AffiantError connection_unknown
   */
  find(name: string | null): ConnectionConfig {
    const list = this.#refresh();
    const found = name === null ? (this.#byName.get('default') ?? list[0]) : this.#byName.get(name);
    if (found === undefined) throw new AffiantError('connection_unknown', 'there is no such connection');
    return found;
  }

  /** The protocol of a connection. @throws AffiantError config_invalid */
  protocolOf(connection: ConnectionConfig): Protocol {
    const protocol = this.protocols.find(({ name }) => name === connection.protocol);
    if (protocol === undefined) throw new AffiantError('config_invalid', `no protocol ${connection.protocol} is built in`);
    return protocol;
  }

  /** Whose error format a call is answered in before its connection is known. */
  protocolFor(name: string | null): Protocol {
    const list = this.#refresh();
    const connection = (name === null ? undefined : this.#byName.get(name)) ?? list[0];
    const protocol = this.protocols.find((one) => one.name === connection?.protocol) ?? this.protocols[0];
    if (protocol === undefined) throw new AffiantError('config_invalid', 'no protocol is built in');
    return protocol;
  }

  #refresh(): readonly ConnectionConfig[] {
    const list = this.current();
    if (list === this.#seen) return list;
    this.#seen = list;
    this.#byName = new Map(list.map((connection) => [connection.name, connection]));
    this.onChange(list);
    return list;
  }
}
