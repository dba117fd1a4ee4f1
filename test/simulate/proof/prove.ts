import fc, { type RunDetails } from 'fast-check';
import { runWorld } from './run-world.ts';
import { worldPlan, type WorldPlan } from './world-plan.ts';

export interface Proof {
  readonly seed: number;
  readonly worlds: number;
  /** Where to go on in the worlds of this seed: what a failure printed. */
  readonly path?: string;
  /** Stops early, without a failure. */
  readonly signal?: AbortSignal;
  readonly run?: (plan: WorldPlan) => Promise<unknown>;
  /** Whether a failing plan is made small first; a planted bug need only be found. */
  readonly shrinks?: boolean;
}

/** The first world that breaks an invariant, made as small as it gets; null when all of them hold. */
export async function findBroken(proof: Proof): Promise<RunDetails<[WorldPlan]> | null> {
  const run = proof.run ?? runWorld;
  const property = fc.asyncProperty(worldPlan, async (plan) => {
    if (proof.signal?.aborted !== true) await run(plan);
  });
  const details = await fc.check(property, {
    seed: proof.seed,
    numRuns: proof.worlds,
    endOnFailure: proof.shrinks === false,
    ...(proof.path === undefined ? {} : { path: proof.path }),
  });
  return details.failed ? details : null;
}

/** Rejects with what broke, the plan, and the one command that repeats it. */
export async function prove(proof: Proof): Promise<void> {
  const broken = await findBroken(proof);
  if (broken !== null) throw new Error(failureText(broken), { cause: broken.errorInstance });
}

export function failureText({
  seed,
  counterexample,
  counterexamplePath,
  errorInstance,
}: RunDetails<[WorldPlan]>): string {
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return [
    why,
    `  the world: ${JSON.stringify(counterexample?.[0])}`,
    `  repeat it: npm run soak -- --seed ${seed} --path ${counterexamplePath ?? ''}`,
  ].join('\n');
}
