import type { SimulationJob, SimulationOutcome, SimulationProgress } from '../ports/what-if.ts';
import type { ErrorCode } from '../base/errors.ts';

/** What the thread of one simulation is started with. */
export interface SimulationSetup {
  readonly job: SimulationJob;
}

export type SimulationReply =
  | { readonly kind: 'progress'; readonly progress: SimulationProgress }
  | { readonly kind: 'done'; readonly outcome: SimulationOutcome }
  /** An expected failure; anything else ends the thread by its error. */
  | {
      readonly kind: 'refused';
      readonly code: ErrorCode;
      readonly message: string;
      readonly metadata: Readonly<Record<string, string>>;
    };
