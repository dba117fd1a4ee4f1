import type { PriceChange } from '../../../model/update-forecast.ts';

/** What of an endpoint decides its price. */
export interface PricedWorkers {
  /** Of one worker for one hour; null where its product has no price. */
  readonly pricePerHour: number | null;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** Null where one of the two has no price. */
export function priceChange(before: PricedWorkers, after: PricedWorkers): PriceChange | null {
  if (before.pricePerHour === null || after.pricePerHour === null) return null;
  return {
    atMin: after.pricePerHour * after.minReplicas - before.pricePerHour * before.minReplicas,
    atMax: after.pricePerHour * after.maxReplicas - before.pricePerHour * before.maxReplicas,
  };
}
