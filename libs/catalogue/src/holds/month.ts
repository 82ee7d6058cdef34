import type { HoldScope } from './port.js';

/** First and following instant of a month such as 202601, milliseconds since the Unix epoch (UTC, as the ledger partitions). */
export function monthBounds(partition: number): { readonly from: number; readonly to: number } {
  const [year, month] = [Math.floor(partition / 100), (partition % 100) - 1];
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

/** Whether the time of a hold touches the month; a hold without bounds touches every one. */
export function coversMonth({ from, to }: Pick<HoldScope, 'from' | 'to'>, partition: number): boolean {
  const month = monthBounds(partition);
  return (from === null || from < month.to) && (to === null || to > month.from);
}
