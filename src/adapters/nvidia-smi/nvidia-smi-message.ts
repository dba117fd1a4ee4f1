import type { DeviceReading } from '../../ports/device-watch.ts';

/** To the process that asks. It gets one question at a time. */
export interface DeviceQuestion {
  readonly timeoutMs: number;
}

export type DeviceAnswer = { readonly reading: DeviceReading } | { readonly failure: string };
