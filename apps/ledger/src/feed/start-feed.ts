import type { FeedPorts, SinkHealth } from './ports.js';
import { SinkFeed } from './sink-feed.js';

/** A running SIEM feed. */
export interface Feed {
  health(): Promise<readonly SinkHealth[]>;
  stop(): Promise<void>;
}

/** Starts one consumer per sink. A sink that is away is no error: it lags. @throws AffiantError when the event log cannot be subscribed. */
export async function startFeed(ports: FeedPorts): Promise<Feed> {
  const feeds = ports.sinks.map((sink) => new SinkFeed(ports, sink));
  const stop = async (): Promise<void> => {
    await Promise.all(feeds.map((feed) => feed.stop()));
  };
  try {
    for (const feed of feeds) await feed.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { health: () => Promise.all(feeds.map((feed) => feed.health())), stop };
}
