/** One kind of endpoint and machine on which updates are planned and then made. */
export interface Scenario {
  readonly name: string;
  readonly workers: number;
  /** Null: a product without devices. */
  readonly devices: number | null;
  readonly requestsPerSecond: number;
  readonly meanServiceMs: number;
  readonly meanStartMs: number;
}

const SECOND = 1_000;
/** A small process, a model of some gigabytes, a large one. */
const STARTS = { small: 2 * SECOND, medium: 12 * SECOND, large: 60 * SECOND };

export const SCENARIOS: readonly Scenario[] = [
  scenario('idle, beside the old one', 1, 2, 0, 'medium'),
  scenario('idle, in its place', 1, 1, 0, 'medium'),
  scenario('one loaded, beside it', 1, 2, 2, 'medium'),
  scenario('one loaded, in its place', 1, 1, 2, 'medium'),
  scenario('one loaded, in its place, small', 1, 1, 2, 'small'),
  scenario('four loaded, room for all', 4, 8, 6, 'medium'),
  scenario('four loaded, one spare', 4, 5, 6, 'medium'),
  scenario('four loaded, none spare', 4, 4, 6, 'medium'),
  scenario('four loaded, none spare, large', 4, 4, 6, 'large'),
  scenario('eight loaded, no devices', 8, null, 12, 'small'),
  scenario('eight loaded, one spare, large', 8, 9, 12, 'large'),
];

function scenario(
  name: string,
  workers: number,
  devices: number | null,
  requestsPerSecond: number,
  start: keyof typeof STARTS,
): Scenario {
  return { name, workers, devices, requestsPerSecond, meanServiceMs: 800, meanStartMs: STARTS[start] };
}
